/** The agent's loop: what is wanted here, what is here, one step closer; again whenever something changes. */
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, FirstTime, HostPaths, UnitContext } from '../engines/engine.ts';
import type { ClusterSecrets } from '../identity/identity.ts';
import type { ClusterSpec, EngineName, PlacedUnit } from '../topology/cluster-spec.ts';
import type { DesiredState } from './desired-state.ts';
import type { HostState } from './host-state.ts';
import { rotateLogs } from './log-files.ts';
import { messageOf } from './message-of.ts';
import { planHashes } from './plan-hash.ts';
import { type Decision, type DesiredUnit, reconcile } from './reconcile.ts';
import { UnitRecords } from './unit-record.ts';
import type { Runner } from './runner.ts';
import { UnitRunner, type UnitSurroundings } from './unit-runner.ts';

const ROTATE_EVERY_MS = 30_000;

export interface AgentOptions {
  host: string;
  paths: HostPaths;
  desired: DesiredState;
  secrets: ClusterSecrets;
  engines: Record<EngineName, Engine>;
  certificate: UnitContext['certificate'];
  /** What this host's certificates say of their end, for the metrics. */
  certificates: HostState['certificates'];
  firstTime: FirstTime;
  beforeStart: UnitSurroundings['beforeStart'];
  log(unit: string, message: string): void;
  /** Runs units of an engine in a way of its own; null: the agent starts them as it starts every other. */
  runnerOf?(engine: string, name: string, surroundings: UnitSurroundings): Runner | null;
}

export class Agent {
  readonly logDir: string;
  readonly #options: AgentOptions;
  readonly #runners = new Map<string, Runner>();
  readonly #records: UnitRecords;
  readonly #startedAtMs: number;
  readonly #rotation: NodeJS.Timeout;
  #desiredUnits: DesiredUnit[] = [];
  #decisions = new Map<string, Decision>();
  #wake: NodeJS.Timeout | null = null;
  #scheduled = false;
  #closed = false;
  /** The newest that was carried out: whoever reads it may rely on the states of the units beside it. 0: none yet. */
  #revision = 0;
  storeReachable = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.logDir = join(options.paths.dataDir, 'logs');
    mkdirSync(this.logDir, { recursive: true, mode: 0o750 });
    this.#records = new UnitRecords(options.paths.runDir);
    this.#startedAtMs = Date.now();
    for (const record of this.#records.readAll()) this.#runner(record.name, record.engine).adopt(record);
    this.#rotation = setInterval(() => this.#rotate(), ROTATE_EVERY_MS);
    this.plan();
  }

  /** Takes the desired state as it is now. A unit whose plan cannot be made keeps what it has; the others go on. */
  plan(): void {
    const { spec } = this.#options.desired;
    const here = spec.placement.units.filter((unit) => unit.host === this.#options.host);
    const before = new Map(this.#desiredUnits.map((unit) => [unit.name, unit]));
    this.#desiredUnits = here.flatMap((unit) => {
      try {
        return this.#planUnit(spec, unit);
      } catch (error) {
        this.#options.log(unit.name, `cannot be planned: ${messageOf(error)}`);
        return before.get(unit.name) ?? this.#runner(unit.name, unit.engine).asItRuns();
      }
    });
    const wanted = new Set(here.map((unit) => unit.name));
    for (const [name, runner] of this.#runners) if (!wanted.has(name)) runner.want(null);
    this.changed();
  }

  #planUnit(spec: ClusterSpec, unit: PlacedUnit): DesiredUnit {
    const { host, engines } = this.#options;
    const context = this.#context(spec, unit);
    const engine = engines[unit.engine];
    const plan = engine.plan(context);
    const hashes = planHashes(plan);
    const restartCount = spec.restarts[`${unit.name}@${host}`] ?? 0;
    this.#runner(unit.name, unit.engine).want({ engine, context, plan, restartCount, ...hashes });
    const { name, after, startTimeoutMs } = plan;
    const held = spec.holds.includes(`${unit.name}@${host}`);
    return { name, after, startTimeoutMs, restartCount, held, ...hashes };
  }

  /** Something changed: one step, at most once per turn of the event loop. */
  changed(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#closed) this.#step();
    });
  }

  state(): HostState {
    const { desired, host } = this.#options;
    const spec = desired.spec;
    const here = spec.hosts[host];
    return {
      host,
      zone: here?.zone ?? '',
      region: here?.region ?? '',
      address: here?.address ?? '',
      cluster: spec.topology.name,
      revision: this.#revision,
      storeReachable: this.storeReachable,
      agent: { pid: process.pid, startedAtMs: this.#startedAtMs, rssBytes: process.memoryUsage.rss() },
      disk: diskOf(this.#options.paths.dataDir),
      certificates: this.#options.certificates,
      atMs: Date.now(),
      units: [...this.#runners.values()]
        .map((runner) => runner.state(this.#decisions.get(runner.name)?.reason ?? 'is new'))
        .sort((left, right) => left.name.localeCompare(right.name)),
    };
  }

  /** The agent ends; everything it runs goes on. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#rotation);
    if (this.#wake !== null) clearTimeout(this.#wake);
    for (const runner of this.#runners.values()) runner.release();
  }

  /** A log that cannot be rotated is no reason to leave the units alone. */
  #rotate(): void {
    const { log } = this.#options;
    try {
      for (const name of rotateLogs(this.logDir)) log('agent', `rotated ${name}`);
    } catch (error) {
      log('agent', `logs cannot be rotated: ${messageOf(error)}`);
    }
  }

  #step(): void {
    const nowMs = performance.now();
    const actual = [...this.#runners.values()].map((runner) => runner.actual());
    const decisions = reconcile(this.#desiredUnits, actual, nowMs);
    this.#decisions = new Map(decisions.map((decision) => [decision.unit, decision]));
    for (const decision of decisions) this.#carryOut(decision);
    this.#revision = this.#options.desired.spec.revision;
    const wakeAtMs = Math.min(...decisions.map((decision) => decision.wakeAtMs ?? Number.POSITIVE_INFINITY));
    if (this.#wake !== null) clearTimeout(this.#wake);
    this.#wake = Number.isFinite(wakeAtMs) ? setTimeout(() => this.changed(), Math.max(1, wakeAtMs - nowMs)) : null;
  }

  #carryOut({ unit, action, reason }: Decision): void {
    const runner = this.#runners.get(unit);
    if (runner === undefined) return;
    if (action === 'start') runner.start();
    else if (action === 'stop') runner.stop(reason);
    else if (action === 'reload') runner.reload();
    else if (action === 'forget') {
      runner.forget();
      this.#runners.delete(unit);
    }
  }

  #context(spec: ClusterSpec, unit: PlacedUnit): UnitContext {
    const { paths, secrets, certificate } = this.#options;
    return { spec, unit, paths, secrets, certificate };
  }

  #runner(name: string, engine: string): Runner {
    const known = this.#runners.get(name);
    if (known !== undefined) return known;
    const surroundings: UnitSurroundings = {
      logDir: this.logDir,
      records: this.#records,
      now: () => performance.now(),
      wallClock: Date.now,
      random: Math.random,
      changed: () => this.changed(),
      log: this.#options.log,
      firstTime: this.#options.firstTime,
      beforeStart: this.#options.beforeStart,
    };
    const runner = this.#options.runnerOf?.(engine, name, surroundings) ?? new UnitRunner(name, surroundings);
    this.#runners.set(name, runner);
    return runner;
  }
}

function diskOf(folder: string): HostState['disk'] {
  const { bavail, blocks, bsize } = statfsSync(folder);
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}
