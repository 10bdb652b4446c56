/**
 * Desired units and actual units in, what to do next out. Pure. One numbered rule per unit, first match wins; the
 * rule and its sentence are kept with the unit, so that 'nines status' can say why nothing happens.
 */

export interface DesiredUnit {
  name: string;
  after: readonly string[];
  /** Differs when the process must be replaced. */
  restartHash: string;
  /** Differs when a running process must read its files again. */
  reloadHash: string;
  /** Grows when somebody asks for a restart. */
  restartCount: number;
  startTimeoutMs: number;
  /** Its running process is left as it is, although its settings are old: its turn has not come. */
  held: boolean;
}

export type UnitPhase =
  /** No process and nothing under way. */
  | { kind: 'stopped' }
  /** Files, prepare, spawn: under way since. */
  | { kind: 'preparing'; sinceMs: number }
  | { kind: 'running'; sinceMs: number; ready: boolean; everReady: boolean; unliveSinceMs: number | null; waitsForOthers: boolean }
  | { kind: 'stopping'; sinceMs: number }
  /** It failed and may start again at `untilMs`. */
  | { kind: 'backing-off'; untilMs: number; failures: number };

export interface ActualUnit {
  name: string;
  after: readonly string[];
  phase: UnitPhase;
  /** What the running (or last) process was started with. */
  restartHash: string;
  reloadHash: string;
  restartCount: number;
}

export type Action = 'start' | 'stop' | 'reload' | 'forget' | 'none';

export interface Decision {
  unit: string;
  action: Action;
  /** Number of the rule in the table below. */
  rule: number;
  reason: string;
  /** When this decision may change by time alone; null: only by an event. */
  wakeAtMs: number | null;
}

/**
 * How long a process that was ready once may be seen as unsound before it is replaced: longer than a stall of a busy
 * machine, shorter than anybody's patience. One that was never ready has its start timeout.
 */
export const UNLIVE_LIMIT_MS = 3_000;

interface Situation {
  desired: DesiredUnit | undefined;
  actual: ActualUnit | undefined;
  name: string;
  nowMs: number;
  /** Names that are ready on this host. */
  ready: ReadonlySet<string>;
  /** Units with a process that name this one in `after` and are to stop as well. */
  leavingDependents: readonly string[];
}

interface Rule {
  number: number;
  decide(situation: Situation): Omit<Decision, 'unit' | 'rule'> | null;
}

const none = (reason: string, wakeAtMs: number | null = null) => ({ action: 'none' as const, reason, wakeAtMs });
const act = (action: Action, reason: string) => ({ action, reason, wakeAtMs: null });

export const RULES: readonly Rule[] = [
  {
    number: 1,
    decide: ({ actual }) => (actual?.phase.kind === 'stopping' ? none('is being stopped') : null),
  },
  {
    number: 2,
    decide: ({ desired, actual, leavingDependents }) => {
      if (desired !== undefined || actual === undefined || !hasProcess(actual)) return null;
      if (leavingDependents.length > 0) return none(`stops after ${leavingDependents.join(', ')}`);
      return act('stop', 'is no longer wanted on this host');
    },
  },
  {
    number: 3,
    decide: ({ desired }) => (desired === undefined ? act('forget', 'is no longer wanted on this host') : null),
  },
  {
    number: 4,
    decide: ({ actual }) => (actual?.phase.kind === 'preparing' ? none('is being prepared') : null),
  },
  {
    number: 5,
    decide: ({ actual, nowMs }) => {
      if (actual?.phase.kind !== 'backing-off' || actual.phase.untilMs <= nowMs) return null;
      const { failures, untilMs } = actual.phase;
      return none(`failed ${failures} times in a row, next try in ${untilMs - nowMs} ms`, untilMs);
    },
  },
  {
    number: 6,
    decide: ({ desired, actual, ready }) => {
      if (actual !== undefined && hasProcess(actual)) return null;
      const missing = (desired?.after ?? []).filter((name) => !ready.has(name));
      return missing.length > 0 ? none(`waits for ${missing.join(', ')}`) : act('start', 'is wanted and not running');
    },
  },
  {
    number: 7,
    decide: ({ desired, actual }) =>
      desired?.restartHash !== actual?.restartHash && desired?.held !== true ? act('stop', 'runs with old settings: replaced') : null,
  },
  {
    number: 8,
    decide: ({ desired, actual }) =>
      (desired?.restartCount ?? 0) > (actual?.restartCount ?? 0) ? act('stop', 'a restart was asked for') : null,
  },
  {
    number: 9,
    decide: ({ desired, actual }) => (desired?.reloadHash !== actual?.reloadHash ? act('reload', 'its files changed') : null),
  },
  {
    number: 10,
    decide: ({ actual, nowMs }) => {
      if (actual?.phase.kind !== 'running' || !actual.phase.everReady || actual.phase.unliveSinceMs === null) return null;
      const limitMs = actual.phase.unliveSinceMs + UNLIVE_LIMIT_MS;
      if (nowMs < limitMs) return none('its process is found unsound', limitMs);
      return act('stop', `its process was found unsound for ${UNLIVE_LIMIT_MS} ms`);
    },
  },
  {
    number: 11,
    decide: ({ desired, actual, nowMs }) => {
      if (desired === undefined || actual?.phase.kind !== 'running' || actual.phase.everReady) return null;
      // To restart a gateway because no instance is there yet, or a member because the others are away, helps nobody.
      if (actual.phase.waitsForOthers) return none('is up and waits for others');
      const lateAtMs = actual.phase.sinceMs + desired.startTimeoutMs;
      if (nowMs >= lateAtMs) return act('stop', `was not ready within ${desired.startTimeoutMs} ms`);
      return none('starts up', lateAtMs);
    },
  },
  {
    number: 12,
    decide: ({ desired, actual }) =>
      desired?.restartHash !== actual?.restartHash ? none('runs with the settings from before, until its turn comes') : null,
  },
  { number: 13, decide: () => none('runs as wanted') },
];

function hasProcess(unit: ActualUnit): boolean {
  return unit.phase.kind === 'running' || unit.phase.kind === 'preparing' || unit.phase.kind === 'stopping';
}

/** One decision per unit, desired or actual, in the order of their names. */
export function reconcile(desired: readonly DesiredUnit[], actual: readonly ActualUnit[], nowMs: number): Decision[] {
  const ready = actual.filter((unit) => unit.phase.kind === 'running' && unit.phase.ready).map((unit) => unit.name);
  const first = decideAll(desired, actual, nowMs, new Set(ready));
  // A unit that this very pass stops is nobody's ground to start on.
  const stopped = new Set(first.filter((decision) => decision.action === 'stop').map((decision) => decision.unit));
  if (stopped.size === 0) return first;
  return decideAll(desired, actual, nowMs, new Set(ready.filter((name) => !stopped.has(name))));
}

function decideAll(desired: readonly DesiredUnit[], actual: readonly ActualUnit[], nowMs: number, ready: ReadonlySet<string>): Decision[] {
  const desiredByName = new Map(desired.map((unit) => [unit.name, unit]));
  const actualByName = new Map(actual.map((unit) => [unit.name, unit]));
  const names = [...new Set([...desiredByName.keys(), ...actualByName.keys()])].sort();
  return names.map((name) =>
    firstMatch({
      name,
      desired: desiredByName.get(name),
      actual: actualByName.get(name),
      nowMs,
      ready,
      leavingDependents: actual
        .filter((other) => other.after.includes(name) && hasProcess(other) && !desiredByName.has(other.name))
        .map((other) => other.name),
    }),
  );
}

function firstMatch(situation: Situation): Decision {
  for (const rule of RULES) {
    const decided = rule.decide(situation);
    if (decided !== null) return { unit: situation.name, rule: rule.number, ...decided };
  }
  throw new Error('the last rule of the table matches everything');
}
