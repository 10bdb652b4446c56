/** One unit on this host: its process, its observations, its phase. What to do and when, `reconcile` decides. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FirstTime, Observation, UnitContext } from '../engines/engine.ts';
import { BACKOFF, backoffMs, failuresAfterExit } from './backoff.ts';
import { engineIo, KeptClients } from './engine-io.ts';
import { materialise } from './files.ts';
import type { UnitCondition, UnitState } from './host-state.ts';
import { messageOf } from './message-of.ts';
import { orAborted } from './or-aborted.ts';
import { isAlive, type ProcessId, signalProcess, signalSession } from './process.ts';
import type { ActualUnit, DesiredUnit, UnitPhase } from './reconcile.ts';
import type { Runner, WantedUnit } from './runner.ts';
import { spawnUnit } from './spawn.ts';
import { asWanted, processesWithLog, type UnitRecord, type UnitRecords } from './unit-record.ts';

/** How often a unit is looked at. Unready units often: a start must not wait for us; ready ones seldom: idle is cheap. */
export const OBSERVE = { unreadyMs: 100, readyMs: 1_000, timeoutMs: 2_000 } as const;
/** An adopted process is not our child: its end is found by looking. */
const ADOPTED_POLL_MS = 200;
const ON_READY_TIMEOUT_MS = 10_000;
/** Above the longest deadline that an engine gives itself: 24 hours for the clone of a large database. */
const PREPARE_TIMEOUT_MS = 25 * 3_600_000;

export interface UnitSurroundings {
  logDir: string;
  records: UnitRecords;
  /** Milliseconds that only grow: a corrected wall clock must not end a back-off or a start. */
  now(): number;
  /** Milliseconds since 1970, for people. */
  wallClock(): number;
  random(): number;
  /** Something changed that `reconcile` or a reader may want to know. */
  changed(): void;
  log(unit: string, message: string): void;
  firstTime: FirstTime;
  /** Runs before `prepare` (migrations of a service). */
  beforeStart(context: UnitContext, signal: AbortSignal): Promise<void>;
}

export class UnitRunner implements Runner {
  readonly name: string;
  readonly #around: UnitSurroundings;
  readonly #clients = new KeptClients();
  #wanted: WantedUnit | null = null;
  #phase: UnitPhase = { kind: 'stopped' };
  #record: UnitRecord | null = null;
  #observation: Observation | null = null;
  #readySinceMs: number | null = null;
  #failures = 0;
  #restarts = 0;
  #reason = 'is not running yet';
  #work: AbortController = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  /** Grows with every process and every reload; `onReady` is due once for each. */
  #life = 0;
  #settledLife = 0;

  constructor(name: string, around: UnitSurroundings) {
    this.name = name;
    this.#around = around;
  }

  want(wanted: WantedUnit | null): void {
    const before = this.#wanted;
    this.#wanted = wanted;
    if (wanted === null || this.#record === null) return;
    this.#record = { ...this.#record, after: wanted.plan.after, stop: wanted.plan.stop };
    if (before === null) this.#observeIn(0);
  }

  adopt(record: UnitRecord): void {
    const id = record.id ?? processesWithLog(this.#logFile())[0];
    if (id === undefined || !isAlive(id)) {
      this.#around.records.remove(record.name);
      return;
    }
    this.#record = { ...record, id };
    this.#around.records.write(this.#record);
    this.#around.log(this.name, `adopted process ${id.pid}`);
    this.#running();
    this.#pollAdopted(id);
  }

  start(): void {
    const wanted = this.#wanted;
    if (wanted === null) return;
    this.#work = new AbortController();
    this.#setPhase({ kind: 'preparing', sinceMs: this.#around.now() });
    void this.#start(wanted, this.#work.signal).catch((error: unknown) => {
      this.#failed(`could not be started: ${messageOf(error)}`);
    });
  }

  async #start(wanted: WantedUnit, cancelled: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([cancelled, AbortSignal.timeout(PREPARE_TIMEOUT_MS)]);
    const { plan, context, engine } = wanted;
    await this.#endLeftovers(signal);
    materialise(plan);
    await this.#around.beforeStart(context, signal);
    await engine.prepare?.(context, plan, this.#io(signal));
    signal.throwIfAborted();
    const announced: UnitRecord = {
      name: this.name,
      engine: plan.engine,
      after: plan.after,
      stop: plan.stop,
      restartHash: wanted.restartHash,
      reloadHash: wanted.reloadHash,
      restartCount: wanted.restartCount,
      startedAtMs: this.#around.wallClock(),
      id: null,
    };
    this.#around.records.write(announced);
    const spawned = await spawnUnit(plan, this.#logFile());
    this.#record = { ...announced, id: spawned.id };
    this.#around.records.write(this.#record);
    this.#around.log(this.name, `started as process ${spawned.id.pid}`);
    void spawned.exited.then(({ code, signal: by }) => {
      this.#ended(spawned.id, by === null ? `exited with code ${code}` : `was ended by ${by}`);
    });
    this.#running();
    if (cancelled.aborted) this.stop('was stopped while it started');
  }

  stop(reason: string): void {
    this.#reason = reason;
    const sinceMs = this.#around.now();
    if (this.#phase.kind === 'preparing') {
      this.#work.abort(new Error(reason));
      return;
    }
    const id = this.#record?.id;
    if (id === null || id === undefined || this.#record === null) return this.#setPhase({ kind: 'stopped' });
    this.#setPhase({ kind: 'stopping', sinceMs });
    this.#around.log(this.name, `stopping: ${reason}`);
    const { signal, timeoutMs } = this.#record.stop;
    signalProcess(id, signal);
    const killer = setTimeout(() => {
      if (signalProcess(id, 'SIGKILL')) this.#around.log(this.name, `did not stop within ${timeoutMs} ms: killed`);
    }, timeoutMs);
    killer.unref();
  }

  reload(): void {
    const { wanted, record } = { wanted: this.#wanted, record: this.#record };
    if (wanted === null || record === null || record.id === null) return;
    try {
      materialise(wanted.plan);
    } catch (error) {
      this.#reason = `its files could not be written: ${messageOf(error)}`;
      return;
    }
    const { reloadSignal } = wanted.plan;
    if (reloadSignal !== null) signalProcess(record.id, reloadSignal);
    this.#record = { ...record, reloadHash: wanted.reloadHash };
    this.#around.records.write(this.#record);
    this.#around.log(this.name, 'reloaded');
    // The new files may ask for more inside the engine: a role and a slot for a standby that was added.
    this.#life += 1;
    this.#around.changed();
  }

  release(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#clients.dropAll();
  }

  forget(): void {
    this.release();
    this.#around.records.remove(this.name);
  }

  actual(): ActualUnit {
    return {
      name: this.name,
      after: this.#record?.after ?? this.#wanted?.plan.after ?? [],
      phase: this.#phase,
      restartHash: this.#record?.restartHash ?? '',
      reloadHash: this.#record?.reloadHash ?? '',
      restartCount: this.#record?.restartCount ?? this.#wanted?.restartCount ?? 0,
    };
  }

  asItRuns(): DesiredUnit[] {
    return this.#record === null ? [] : [asWanted(this.#record)];
  }

  state(held: string): UnitState {
    const unit = this.#wanted?.context.unit;
    const observed = this.#phase.kind === 'running' ? this.#observation : null;
    return {
      name: this.name,
      engine: this.#record?.engine ?? this.#wanted?.plan.engine ?? 'unknown',
      group: unit?.group ?? null,
      condition: this.#condition(),
      ready: this.#phase.kind === 'running' && this.#phase.ready,
      role: observed?.role ?? null,
      reason: observed?.reason ?? (this.#phase.kind === 'stopped' ? held : this.#reason),
      details: observed?.details ?? {},
      pid: this.#record?.id?.pid ?? null,
      restarts: this.#restarts,
      startedAtMs: this.#record?.startedAtMs ?? null,
      outdated: this.#record !== null && this.#wanted !== null && this.#record.restartHash !== this.#wanted.restartHash,
      restartCount: this.#record?.restartCount ?? 0,
      listens: this.#wanted?.plan.listens ?? [],
    };
  }

  #condition(): UnitCondition {
    if (this.#phase.kind === 'running') {
      if (this.#phase.ready) return 'ready';
      return this.#phase.everReady ? 'unready' : 'starting';
    }
    if (this.#phase.kind !== 'backing-off') return this.#phase.kind;
    return this.#phase.failures >= BACKOFF.crashLoopFailures ? 'crash-looping' : 'backing-off';
  }

  #running(): void {
    this.#observation = null;
    this.#readySinceMs = null;
    this.#life += 1;
    this.#setPhase({
      kind: 'running',
      sinceMs: this.#around.now(),
      ready: false,
      everReady: false,
      unliveSinceMs: null,
      waitsForOthers: false,
    });
    this.#observeIn(0);
  }

  #observeIn(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#observe(), ms);
  }

  async #observe(): Promise<void> {
    const { wanted, record } = { wanted: this.#wanted, record: this.#record };
    if (wanted === null || record === null || record.id === null || this.#phase.kind !== 'running') return;
    const seen = await this.#look(wanted);
    // The process may have ended, or another may run, since we asked.
    if (this.#record?.id?.pid !== record.id.pid || this.#phase.kind !== 'running') return;
    this.#accept(seen);
    this.#observeIn(seen.ready ? OBSERVE.readyMs * (0.9 + 0.2 * this.#around.random()) : OBSERVE.unreadyMs);
  }

  /** Never later than the deadlines, whatever the engine does: a unit that nobody looks at any more would stay ready for ever. */
  async #look({ engine, context, plan }: WantedUnit): Promise<Observation> {
    let what = 'could not be observed';
    const life = this.#life;
    try {
      const soon = AbortSignal.timeout(OBSERVE.timeoutMs);
      const seen = await orAborted(engine.observe(context, plan, this.#io(soon)), soon);
      if (!seen.ready || this.#settledLife === life) return seen;
      what = 'is up, but could not be set up';
      const later = AbortSignal.timeout(ON_READY_TIMEOUT_MS);
      await orAborted(engine.onReady?.(context, plan, this.#io(later)) ?? Promise.resolve(), later);
      // Not of what came meanwhile: another process, or other files.
      this.#settledLife = life;
      return seen;
    } catch (error) {
      return { ready: false, live: true, reason: `${what}: ${messageOf(error)}` };
    }
  }

  #accept(seen: Observation): void {
    if (this.#phase.kind !== 'running') return;
    const before = this.#phase;
    const roleChanged = this.#observation?.role !== seen.role;
    this.#observation = seen;
    const unliveSinceMs = seen.live ? null : (before.unliveSinceMs ?? this.#around.now());
    if (seen.ready && !before.ready) {
      this.#readySinceMs = this.#around.now();
      this.#around.log(this.name, `ready: ${seen.reason}`);
    } else if (!seen.ready && before.ready) {
      this.#readySinceMs = null;
      this.#around.log(this.name, `not ready: ${seen.reason}`);
    }
    const waitsForOthers = seen.waitsForOthers ?? false;
    const changed =
      seen.ready !== before.ready || waitsForOthers !== before.waitsForOthers || unliveSinceMs !== before.unliveSinceMs || roleChanged;
    this.#phase = { ...before, ready: seen.ready, everReady: before.everReady || seen.ready, unliveSinceMs, waitsForOthers };
    if (changed) this.#around.changed();
  }

  #pollAdopted(id: ProcessId): void {
    const poll = setInterval(() => {
      if (this.#record?.id?.pid !== id.pid) clearInterval(poll);
      else if (!isAlive(id)) {
        clearInterval(poll);
        this.#ended(id, 'ended (it was adopted: no exit code is known)');
      }
    }, ADOPTED_POLL_MS);
    poll.unref();
  }

  #ended(id: ProcessId, how: string): void {
    if (this.#record?.id?.pid !== id.pid) return;
    signalSession(id.pid, 'SIGKILL');
    this.#record = null;
    this.#around.records.remove(this.name);
    this.#clients.dropAll();
    this.#around.log(this.name, how);
    if (this.#phase.kind === 'stopping') {
      this.#failures = 0;
      this.#restarts += 1;
      return this.#setPhase({ kind: 'stopped' });
    }
    this.#failed(how);
  }

  #failed(reason: string): void {
    const nowMs = this.#around.now();
    this.#reason = reason;
    if (this.#work.signal.aborted && this.#record === null) return this.#setPhase({ kind: 'stopped' });
    this.#failures = failuresAfterExit(this.#failures, this.#readySinceMs, nowMs);
    this.#readySinceMs = null;
    this.#restarts += 1;
    const waitMs = backoffMs(this.#failures, this.#around.random());
    this.#around.log(this.name, `${reason}; failure ${this.#failures} in a row, next start in ${waitMs} ms`);
    this.#setPhase({ kind: 'backing-off', untilMs: nowMs + waitMs, failures: this.#failures });
  }

  /** Children that outlived a killed main process would hold its ports and files. */
  async #endLeftovers(signal: AbortSignal): Promise<void> {
    let left = processesWithLog(this.#logFile());
    if (left.length > 0) this.#around.log(this.name, `ending what outlived it: ${left.map(({ pid }) => pid).join(', ')}`);
    while (left.length > 0) {
      for (const id of left) signalProcess(id, 'SIGKILL');
      await delay(5, undefined, { signal });
      left = processesWithLog(this.#logFile());
    }
  }

  #setPhase(phase: UnitPhase): void {
    this.#phase = phase;
    this.#around.changed();
  }

  #io(signal: AbortSignal) {
    const { firstTime, log } = this.#around;
    return engineIo({ clients: this.#clients, firstTime, log: (message) => log(this.name, message) }, signal);
  }

  #logFile(): string {
    return join(this.#around.logDir, `${this.name}.log`);
  }
}
