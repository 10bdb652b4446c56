/** One run in a running cluster: writers, one fault, its end, and a look at what became of every acknowledged write. */
import { setTimeout as delay } from 'node:timers/promises';
import { longestGap, lostWrites } from './figures.ts';
import { MachineWatch, workMs } from './machine.ts';
import type { Combination } from './matrix.ts';
import type { Milestone } from './nines/milestones.ts';
import { phases } from './nines/phases.ts';
import type { RunRecord } from './run-log.ts';
import { SCENARIO } from './scenarios.ts';
import type { RunningSystem } from './system.ts';
import { monotonicMs, TABLE } from './writers/protocol.ts';
import { startWriters, type Writers, type WritersResult } from './writers/writers.ts';
import { abandon, connect } from './writers/writer.ts';

/** Writers run so long before the fault: pools are open, plans are made. */
const WARM_UP_MS = 2_000;
const START_TIMEOUT_MS = 30_000;
/** No system that comes back at all takes longer. */
const OUTAGE_TIMEOUT_MS = 120_000;
/** Steady for so long: it is over. */
const SETTLE_MS = 3_000;
/** Steady: somebody was acknowledged within the first, and everybody within the second. */
const ANY_ACK_MS = 300;
const EVERY_ACK_MS = 1_500;
const WHOLE_TIMEOUT_MS = 60_000;
const READ_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
/** Gaps are looked for from so long before the fault. */
const BEFORE_MS = 1_000;

interface Course {
  faultAtMs: number;
  faultAtEpochMs: number;
  undoAtMs: number;
  endAtMs: number;
  recovered: boolean;
  wholeAfterMs: number | null;
  milestones: Milestone[];
}

interface Break {
  fromMs: number;
  toMs: number;
}

/** @param running whole, its primary where the combination wants it */
export async function measureRun(running: RunningSystem, combination: Combination, signal: AbortSignal): Promise<RunRecord> {
  await sql(running, `DROP TABLE IF EXISTS ${TABLE}`, signal);
  await sql(running, `CREATE TABLE ${TABLE} (id bigint PRIMARY KEY, written_at timestamptz NOT NULL DEFAULT now())`, signal);
  const work = workMs();
  const machine = new MachineWatch();
  const writers = startWriters(running.access);
  try {
    const course = await play(running, writers, combination, signal);
    const seen = await writers.stop();
    const rows = await sql(running, `SELECT id FROM ${TABLE}`, signal);
    const found = new Set(rows.map(({ id }) => Number(id)));
    const gap = longestBreak(course, seen);
    return { ...record(combination, { course, seen, found, gap }), workMs: work, ...(gap === null ? {} : machine.shares(gap)) };
  } finally {
    machine.stop();
    await writers.kill();
  }
}

async function play(running: RunningSystem, writers: Writers, combination: Combination, signal: AbortSignal): Promise<Course> {
  const scenario = SCENARIO[combination.scenario];
  if (!(await steady(writers, START_TIMEOUT_MS, WARM_UP_MS, signal))) throw new Error('the writers never wrote steadily');
  const primary = await running.primary(signal);
  const [faultAtMs, faultAtEpochMs] = [monotonicMs(), Date.now()];
  const fault = await scenario.inject(running, primary, signal);
  const injectedAtMs = monotonicMs();
  await delay(scenario.observeMs - SETTLE_MS, undefined, { signal });
  const recovered = await steady(writers, OUTAGE_TIMEOUT_MS, Math.max(SETTLE_MS, injectedAtMs - monotonicMs()), signal);
  const undoAtMs = monotonicMs();
  // Now: agents keep so many decisions and no more, and what the old primary does when it is back is not of this failover.
  const milestones = await running.milestones(faultAtEpochMs, signal);
  await fault.undo();
  const wholeAfterMs = await untilWhole(running, signal);
  // What an old primary does when it is back would show now.
  await steady(writers, OUTAGE_TIMEOUT_MS, SETTLE_MS, signal);
  return { faultAtMs, faultAtEpochMs, undoAtMs, endAtMs: monotonicMs(), recovered, wholeAfterMs, milestones };
}

/** Waits until the writers were acknowledged without a break for `forMs`, seen from now on. False: not within the limit. */
async function steady(writers: Writers, limitMs: number, forMs: number, signal: AbortSignal): Promise<boolean> {
  const deadlineMs = monotonicMs() + limitMs;
  let sinceMs: number | null = null;
  while (monotonicMs() < deadlineMs) {
    const now = writers.progress();
    const holds = now !== null && now.atMs - now.newestAckMs < ANY_ACK_MS && now.atMs - now.slowestAckMs < EVERY_ACK_MS;
    sinceMs = holds ? (sinceMs ?? monotonicMs()) : null;
    if (sinceMs !== null && monotonicMs() - sinceMs >= forMs) return true;
    await delay(POLL_MS, undefined, { signal });
  }
  return false;
}

async function untilWhole(running: RunningSystem, signal: AbortSignal): Promise<number | null> {
  const startedMs = monotonicMs();
  while (monotonicMs() - startedMs < WHOLE_TIMEOUT_MS) {
    if ((await running.missing(signal)) === null) return Math.round(monotonicMs() - startedMs);
    await delay(POLL_MS, undefined, { signal });
  }
  return null;
}

/** On the primary, through the gateway; again while the cluster is busy with itself. */
async function sql(running: RunningSystem, text: string, signal: AbortSignal): Promise<{ id?: string }[]> {
  const deadlineMs = monotonicMs() + READ_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      const client = await connect(running.access, READ_TIMEOUT_MS);
      try {
        return (await client.query<{ id?: string }>(text)).rows;
      } finally {
        abandon(client);
      }
    } catch (error) {
      if ((error as { code?: string }).code === '42P07') return []; // It was made before its answer got lost.
      if (monotonicMs() > deadlineMs) throw error;
      await delay(POLL_MS, undefined, { signal });
    }
  }
}

/** The two acknowledgements around the longest gap, on the monotonic clock; null when nothing ended it. */
function longestBreak({ faultAtMs, undoAtMs }: Course, { ackedAtMs }: WritersResult): Break | null {
  const inWindow = ackedAtMs.filter((atMs) => atMs > faultAtMs - BEFORE_MS && atMs < undoAtMs);
  let longest: Break | null = null;
  for (let at = 1; at < inWindow.length; at++) {
    const [fromMs = 0, toMs = 0] = [inWindow[at - 1], inWindow[at]];
    if (longest === null || toMs - fromMs > longest.toMs - longest.fromMs) longest = { fromMs, toMs };
  }
  return longest;
}

interface Seen {
  course: Course;
  seen: WritersResult;
  found: ReadonlySet<number>;
  gap: Break | null;
}

function record(combination: Combination, { course, seen, found, gap }: Seen): RunRecord {
  const { ids, ackedAtMs, failed, loopLagMs } = seen;
  const before = ackedAtMs.filter((atMs) => atMs > course.faultAtMs - WARM_UP_MS && atMs <= course.faultAtMs).length;
  const round = (ms: number): number => Math.round(ms * 10) / 10;
  return {
    ...combination,
    at: new Date().toISOString(),
    gapMs: round(longestGap(ackedAtMs, { fromMs: course.faultAtMs - BEFORE_MS, toMs: course.undoAtMs })),
    recovered: course.recovered,
    gapAfterUndoMs: round(longestGap(ackedAtMs, { fromMs: course.undoAtMs, toMs: course.endAtMs })),
    wholeAfterMs: course.wholeAfterMs,
    acked: ids.length,
    failed,
    lost: lostWrites(ids, found),
    writesPerSecond: Math.round(before / (WARM_UP_MS / 1000)),
    loopLagMs: round(loopLagMs),
    phases: phases(course.milestones, course.faultAtEpochMs, gap === null ? null : course.faultAtEpochMs + (gap.toMs - course.faultAtMs)),
  };
}
