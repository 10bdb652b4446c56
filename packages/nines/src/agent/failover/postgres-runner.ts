/** Runs a PostgreSQL unit: it keeps the process and its record, the failover core says when it starts, stops and leads. */
import { join } from 'node:path';
import type { FirstTime, Observation } from '../../engines/engine.ts';
import type { ControlOptions, PostgresControl } from '../../engines/postgres/control.ts';
import { engineIo, KeptClients } from '../engine-io.ts';
import { materialise } from '../files.ts';
import type { UnitState } from '../host-state.ts';
import { messageOf } from '../message-of.ts';
import type { ActualUnit, DesiredUnit, UnitPhase } from '../reconcile.ts';
import type { Runner, WantedUnit } from '../runner.ts';
import { spawnUnit } from '../spawn.ts';
import { asWanted, type UnitRecord } from '../unit-record.ts';
import type { UnitSurroundings } from '../unit-runner.ts';
import type { FailoverGroups } from './failover-groups.ts';
import type { FailoverMember } from './member.ts';
import { memberStanding } from './member-standing.ts';
import { RecordedServer } from './server-process.ts';

const FIGURES_EVERY_MS = 1_000;
const OBSERVE_TIMEOUT_MS = 2_000;
const ON_READY_TIMEOUT_MS = 10_000;
/** How often it is looked whether a switchover that was accepted was given up: its checkpoint alone may take a minute. */
const HANDOVER_LOOK_MS = 1_000;

export interface PostgresSurroundings {
  unit: Pick<UnitSurroundings, 'logDir' | 'records' | 'now' | 'wallClock' | 'changed' | 'log'>;
  firstTime: FirstTime;
  groups: Pick<FailoverGroups, 'join' | 'leave' | 'view' | 'health' | 'command'>;
  createControl(options: ControlOptions): PostgresControl;
}

type Hashes = Pick<WantedUnit, 'restartHash' | 'reloadHash'>;

export class PostgresRunner implements Runner {
  readonly name: string;
  readonly #around: PostgresSurroundings;
  readonly #server: RecordedServer;
  readonly #clients = new KeptClients();
  #life = new AbortController();
  #wanted: WantedUnit | null = null;
  #member: FailoverMember | null = null;
  #group: string | null = null;
  #phase: UnitPhase = { kind: 'stopped' };
  #controlOf: Hashes | null = null;
  #figures: Observation['details'] | null = null;
  #figuresTimer: NodeJS.Timeout | null = null;
  #stopTimer: NodeJS.Timeout | null = null;
  #restarts = 0;
  #reason = 'is not running yet';
  /** A leader's files changed while it led: a member that came needs its role and its slot. Whoever begins to lead makes them itself. */
  #isUnsettled = false;

  constructor(name: string, around: PostgresSurroundings) {
    this.name = name;
    this.#around = around;
    this.#server = new RecordedServer({
      name,
      logFile: this.#logFile(),
      records: around.unit.records,
      prepare: () => this.#prepare(),
      spawn: () => this.#spawn(),
      started: (pid) => this.#started(pid),
      ended: (how) => this.#ended(how),
    });
  }

  want(wanted: WantedUnit | null): void {
    this.#wanted = wanted;
    if (wanted === null) return;
    this.#server.note({ after: wanted.plan.after, stop: wanted.plan.stop });
    if (this.#member === null && this.#server.pid !== null) this.#join(wanted);
    else if (this.#member !== null && !isSame(this.#controlOf, wanted)) this.#member.replaceControl(this.#control(wanted));
  }

  adopt(record: UnitRecord): void {
    if (!this.#server.adopt(record)) return;
    this.#around.unit.log(this.name, `adopted process ${this.#server.pid}`);
    this.#setPhase(this.#running());
  }

  start(): void {
    if (this.#wanted === null) return;
    this.#setPhase(this.#running());
    if (this.#member === null) this.#join(this.#wanted);
  }

  stop(reason: string): void {
    this.#reason = reason;
    this.#around.unit.log(this.name, `stopping: ${reason}`);
    if (this.#wanted === null) this.#leave();
    if (this.#server.pid === null) {
      // Wanted, and between two servers: the next one starts with what is wanted now.
      return this.#setPhase(this.#wanted === null ? { kind: 'stopped' } : this.#running());
    }
    this.#setPhase({ kind: 'stopping', sinceMs: this.#around.unit.now() });
    if (this.#wanted === null) this.#stopServer();
    else void this.#restart();
  }

  reload(): void {
    const wanted = this.#wanted;
    if (wanted === null || this.#server.pid === null) return;
    try {
      materialise(wanted.plan);
    } catch (error) {
      this.#reason = `its files could not be written: ${messageOf(error)}`;
      return;
    }
    this.#server.kill('SIGHUP');
    this.#server.note({ reloadHash: wanted.reloadHash });
    this.#isUnsettled = true;
    this.#around.unit.log(this.name, 'reloaded');
    this.#around.unit.changed();
  }

  release(): void {
    this.#leave();
    this.#server.release();
  }

  forget(): void {
    this.release();
    this.#around.unit.records.remove(this.name);
  }

  actual(): ActualUnit {
    const record = this.#server.record;
    // Without a process there is nothing that runs with old settings.
    const now = record ?? this.#wanted;
    this.#observe();
    return {
      name: this.name,
      after: record?.after ?? this.#wanted?.plan.after ?? [],
      phase: this.#phase,
      restartHash: now?.restartHash ?? '',
      reloadHash: now?.reloadHash ?? '',
      restartCount: now?.restartCount ?? 0,
    };
  }

  asItRuns(): DesiredUnit[] {
    return this.#server.record === null ? [] : [asWanted(this.#server.record)];
  }

  state(held: string): UnitState {
    const record = this.#server.record;
    const standing = this.#phase.kind === 'running' ? this.#standing() : null;
    return {
      name: this.name,
      engine: 'postgres',
      group: this.#wanted?.context.unit.group ?? this.#group,
      condition: conditionOf(this.#phase),
      ready: this.#phase.kind === 'running' && standing?.ready === true,
      role: standing?.role ?? null,
      reason: standing?.reason ?? (this.#phase.kind === 'stopped' ? held : this.#reason),
      details: standing?.details ?? {},
      pid: record?.id?.pid ?? null,
      restarts: this.#restarts,
      startedAtMs: record?.startedAtMs ?? null,
      outdated: record !== null && this.#wanted !== null && record.restartHash !== this.#wanted.restartHash,
      restartCount: record?.restartCount ?? this.#wanted?.restartCount ?? 0,
      listens: this.#wanted?.plan.listens ?? [],
    };
  }

  #join(wanted: WantedUnit): void {
    const { unit, firstTime, groups } = this.#around;
    const { context } = wanted;
    this.#group = context.unit.group ?? '';
    this.#life = new AbortController();
    try {
      this.#member = groups.join(this.#group, {
        context,
        control: this.#control(wanted),
        server: this.#server,
        firstTime,
        decisionsFile: join(context.paths.dataDir, 'units', this.name, 'decisions.jsonl'),
        changed: () => this.#observe(),
      });
    } catch (error) {
      this.#reason = `could not be started: ${messageOf(error)}`;
      unit.log(this.name, this.#reason);
      return this.#setPhase({ kind: 'backing-off', untilMs: unit.now() + FIGURES_EVERY_MS, failures: 1 });
    }
    this.#lookAtFigures();
  }

  #leave(): void {
    if (this.#figuresTimer !== null) clearTimeout(this.#figuresTimer);
    this.#figuresTimer = null;
    if (this.#group !== null && this.#member !== null) this.#around.groups.leave(this.#group);
    this.#member = null;
    this.#life.abort(new Error('the unit is released'));
    this.#clients.dropAll();
  }

  #control(wanted: WantedUnit): PostgresControl {
    // The folders are there before anything is looked for in them; the files before the first data is made by them.
    if (this.#server.pid === null) materialise(wanted.plan);
    const control = this.#around.createControl({ context: wanted.context, server: this.#server, io: this.#io(this.#life.signal) });
    // Only now: one that could not be made is tried again when the plan is looked at next.
    this.#controlOf = { restartHash: wanted.restartHash, reloadHash: wanted.reloadHash };
    return control;
  }

  #prepare(): Omit<UnitRecord, 'id'> {
    const wanted = this.#wanted;
    if (wanted === null) throw new Error(`${this.name} is not wanted on this host any more`);
    materialise(wanted.plan);
    const { plan, restartHash, reloadHash, restartCount } = wanted;
    const { engine, after, stop } = plan;
    return { name: this.name, engine, after, stop, restartHash, reloadHash, restartCount, startedAtMs: this.#around.unit.wallClock() };
  }

  async #spawn() {
    if (this.#wanted === null) throw new Error(`${this.name} is not wanted on this host any more`);
    return await spawnUnit(this.#wanted.plan, this.#logFile());
  }

  #started(pid: number): void {
    this.#around.unit.log(this.name, `started as process ${pid}`);
    this.#around.unit.changed();
  }

  #ended(how: string): void {
    this.#restarts += 1;
    this.#around.unit.log(this.name, how);
    this.#member?.exited();
    this.#clearStopTimer();
    this.#clients.dropAll();
    if (this.#wanted === null) return this.#setPhase({ kind: 'stopped' });
    // The core starts it again, with what is wanted now.
    if (this.#phase.kind === 'stopping') this.#setPhase(this.#running());
    else this.#observe();
  }

  /** A leader hands over first, and starts again as a standby; whoever has nobody to hand over to starts again in its place. */
  async #restart(): Promise<void> {
    const { groups, unit } = this.#around;
    const group = this.#group ?? '';
    const pid = this.#server.pid;
    if (groups.health(group)?.role === 'primary') {
      const { accepted, reason } = await groups.command(group, 'switchover', { to: null });
      unit.log(this.name, accepted ? `hands over before it starts again: ${reason}` : `starts again in its place: ${reason}`);
      if (accepted) return this.#stopUnlessHandingOver(pid);
    }
    if (this.#server.pid === pid) this.#stopServer();
  }

  /** The executor's deadline ends the wait; the server's end ends it too. */
  #stopUnlessHandingOver(pid: number | null): void {
    if (this.#server.pid !== pid) return;
    if (this.#member?.isHandingOver !== true) return this.#stopServer();
    this.#stopTimer = setTimeout(() => this.#stopUnlessHandingOver(pid), HANDOVER_LOOK_MS);
    this.#stopTimer.unref();
  }

  #stopServer(): void {
    const record = this.#server.record;
    if (record === null) return;
    const { signal, timeoutMs } = record.stop;
    this.#server.kill(signal);
    this.#stopTimer = setTimeout(() => {
      this.#around.unit.log(this.name, `did not stop within ${timeoutMs} ms: killed`);
      this.#server.kill('SIGKILL');
    }, timeoutMs);
    this.#stopTimer.unref();
  }

  #clearStopTimer(): void {
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    this.#stopTimer = null;
  }

  #standing(): Observation {
    const view = this.#group === null ? null : this.#around.groups.view(this.#group);
    if (view === null || this.#group === null || this.#member === null) return { ready: false, live: true, reason: this.#reason };
    return memberStanding({
      view,
      health: this.#around.groups.health(this.#group),
      reason: this.#member.reason,
      isRunning: this.#server.pid !== null,
      isActing: this.#member.isActing,
      figures: this.#figures,
    });
  }

  /** Brings the phase up to what the member says of itself now. */
  #observe(): void {
    if (this.#phase.kind !== 'running') return;
    const before = this.#phase;
    const { ready, live, waitsForOthers = false, reason } = this.#standing();
    const unliveSinceMs = live ? null : (before.unliveSinceMs ?? this.#around.unit.now());
    if (ready === before.ready && unliveSinceMs === before.unliveSinceMs && waitsForOthers === before.waitsForOthers) return;
    if (ready !== before.ready) this.#around.unit.log(this.name, `${ready ? 'ready' : 'not ready'}: ${reason}`);
    this.#setPhase({ ...before, ready, everReady: before.everReady || ready, unliveSinceMs, waitsForOthers });
  }

  #lookAtFigures(): void {
    const { signal } = this.#life;
    this.#figuresTimer = setTimeout(() => {
      void this.#readFigures(signal).finally(() => {
        if (signal.aborted) return;
        this.#observe();
        this.#lookAtFigures();
      });
    }, FIGURES_EVERY_MS);
    this.#figuresTimer.unref();
  }

  async #readFigures(life: AbortSignal): Promise<void> {
    const wanted = this.#wanted;
    if (wanted === null || this.#server.pid === null) {
      this.#figures = null;
      return;
    }
    const { engine, context, plan } = wanted;
    try {
      const io = this.#io(AbortSignal.any([life, AbortSignal.timeout(OBSERVE_TIMEOUT_MS)]));
      this.#figures = (await engine.observe(context, plan, io)).details ?? null;
      if (!this.#isUnsettled || this.#around.groups.health(this.#group ?? '')?.admitting !== true) return;
      this.#isUnsettled = false;
      await engine.onReady?.(context, plan, this.#io(AbortSignal.any([life, AbortSignal.timeout(ON_READY_TIMEOUT_MS)])));
    } catch (error) {
      this.#isUnsettled = true;
      if (!life.aborted) this.#around.unit.log(this.name, `is up, but could not be set up: ${messageOf(error)}`);
    }
  }

  #running(): UnitPhase {
    const sinceMs = this.#around.unit.now();
    return { kind: 'running', sinceMs, ready: false, everReady: false, unliveSinceMs: null, waitsForOthers: true };
  }

  #setPhase(phase: UnitPhase): void {
    this.#phase = phase;
    this.#around.unit.changed();
  }

  #io(signal: AbortSignal) {
    const { firstTime, unit } = this.#around;
    return engineIo({ clients: this.#clients, firstTime, log: (message) => unit.log(this.name, message) }, signal);
  }

  #logFile(): string {
    return join(this.#around.unit.logDir, `${this.name}.log`);
  }
}

function isSame(left: Hashes | null, right: Hashes): boolean {
  return left?.restartHash === right.restartHash && left.reloadHash === right.reloadHash;
}

function conditionOf(phase: UnitPhase): UnitState['condition'] {
  if (phase.kind !== 'running') return phase.kind;
  if (phase.ready) return 'ready';
  return phase.everReady ? 'unready' : 'starting';
}
