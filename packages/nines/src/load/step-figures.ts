/** A run's records -> the figures of each step. Pure. */
import { longestGapMs, type Window } from './gap.ts';
import { percentile } from './percentile.ts';
import { isDisturbed, isFailed, isRead, type RequestRecord } from './record.ts';
import { recoveredMs } from './recovery.ts';

export interface FaultMark {
  /** 'kill', 'cut', 'heal', ... */
  name: string;
  atMs: number;
}

export interface StepMarks {
  name: string;
  window: Window;
  /** In order of time, inside the window; recovery is measured from each to the next. */
  faults: FaultMark[];
}

export interface StepFigures {
  /** Requests due in the window. */
  requests: number;
  keyedWrites: number;
  /** Not answered well at the first try. */
  failedFirstTry: number;
  /** Not answered well by the deadline, with the one retry of the contract. */
  failed: number;
  /** Why first tries and retries were not answered well, e.g. { reset: 12, '503': 2 }. */
  causes: Record<string, number>;
  longestGapMs: number;
  readGapMs: number;
  writeGapMs: number;
  /** Mean time between two requests by the schedule: what a gap is without any fault. */
  spacingMs: { all: number; read: number; write: number };
  /** The longest of the step's faults; null: one was not recovered from before the next, or the step's end. */
  recoveredMs: number | null;
  faults: { name: string; atMs: number; recoveredMs: number | null }[];
  latency: { p50Ms: number; p99Ms: number; p999Ms: number; maxMs: number };
  /** How late the client itself was; figures of a step with a high lag are not to be trusted. */
  lag: { p99Ms: number; maxMs: number };
  /** Answers of each instance. */
  instances: Record<string, number>;
}

export function stepFigures(records: readonly RequestRecord[], step: StepMarks): StepFigures {
  const { window } = step;
  const mine = records.filter((record) => record.dueMs >= window.fromMs && record.dueMs < window.untilMs);
  const durations = rising(mine.map((record) => record.doneMs - record.dueMs));
  const lags = rising(mine.map((record) => record.sentMs - record.dueMs));
  // By completion: an answer to a request of before the step can end a gap inside it.
  const good = records.filter((record) => !isFailed(record));
  const gap = (some: RequestRecord[]) =>
    longestGapMs(
      some.map((record) => record.doneMs),
      window,
    );
  const faults = step.faults.map((fault, index) => {
    const untilMs = step.faults[index + 1]?.atMs ?? window.untilMs;
    return { ...fault, recoveredMs: recoveredMs(records, fault.atMs, untilMs) };
  });
  return {
    requests: mine.length,
    keyedWrites: mine.filter((record) => record.key !== null).length,
    failedFirstTry: mine.filter(isDisturbed).length,
    failed: mine.filter(isFailed).length,
    causes: tally(mine.flatMap((record) => record.causes)),
    longestGapMs: gap(good),
    readGapMs: gap(good.filter((record) => isRead(record.f))),
    writeGapMs: gap(good.filter((record) => !isRead(record.f))),
    spacingMs: spacings(mine, window),
    recoveredMs: longest(faults.map((fault) => fault.recoveredMs)),
    faults,
    latency: {
      p50Ms: percentile(durations, 50),
      p99Ms: percentile(durations, 99),
      p999Ms: percentile(durations, 99.9),
      maxMs: durations.at(-1) ?? 0,
    },
    lag: { p99Ms: percentile(lags, 99), maxMs: lags.at(-1) ?? 0 },
    instances: tally(mine.flatMap((record) => record.instance ?? [])),
  };
}

function spacings(mine: RequestRecord[], window: Window): StepFigures['spacingMs'] {
  const reads = mine.filter((record) => isRead(record.f)).length;
  const spacing = (count: number) => (window.untilMs - window.fromMs) / Math.max(1, count);
  return { all: spacing(mine.length), read: spacing(reads), write: spacing(mine.length - reads) };
}

function longest(recoveries: (number | null)[]): number | null {
  return recoveries.reduce<number | null>((most, one) => (most === null || one === null ? null : Math.max(most, one)), 0);
}

function rising(values: number[]): number[] {
  return values.sort((one, other) => one - other);
}

function tally(words: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
