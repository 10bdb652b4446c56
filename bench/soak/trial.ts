/** One trial: writers through the gateway all the time, something is done to the hosts, and at its end the books are balanced. */
import { setTimeout as delay } from 'node:timers/promises';
import { undoAll } from '../../packages/nines/src/lab/index.ts';
import { longestGap } from '../failover/figures.ts';
import { abandon, connect } from '../failover/writers/writer.ts';
import { monotonicMs, TABLE } from '../failover/writers/protocol.ts';
import { startWriters, type Writers } from '../failover/writers/writers.ts';
import type { LabGroup, Leadership } from './group.ts';
import { idRange, judge, type Verdict } from './judge.ts';

const WARM_UP_LIMIT_MS = 30_000;
const READ_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

export interface TrialOptions {
  group: LabGroup;
  /** Numbers of these writers are used by no other trial of this cluster. */
  firstWriter: number;
  writers: number;
  paceMs?: number;
  /** Until the cluster is whole again after everything was undone. */
  wholeLimitMs: number;
  signal: AbortSignal;
  play(course: Course): Promise<void>;
}

export interface Course {
  group: LabGroup;
  before: Leadership;
  signal: AbortSignal;
  /** Waits until every writer was acknowledged after this call. @throws after `limitMs` */
  flows(limitMs: number): Promise<void>;
  /** Writers that were acknowledged within the last second. */
  flowing(): boolean;
}

export interface TrialResult extends Verdict {
  /** Longest time between two acknowledgements of any writer, from the start of the play until the cluster was whole. */
  gapMs: number;
  failed: number;
  /** By the words of the error. */
  errors: Record<string, number>;
  /** Given out in between. */
  terms: number;
  epochs: number;
  before: Leadership;
  after: Leadership;
  /** Hosts whose server acknowledges a write of the application at the end. */
  writable: string[];
  /** After everything was undone; null: not within the limit. */
  wholeAfterMs: number | null;
  /** What was missing then. */
  missing: string | null;
}

/** Undoes every fault, also when the play throws. @throws what the play throws, and when nobody leads at the end */
export async function runTrial(options: TrialOptions): Promise<TrialResult> {
  const { group, signal } = options;
  const before = await group.leads(signal, WARM_UP_LIMIT_MS);
  const writers = startWriters(group.access, {
    ...{ writers: options.writers, firstWriter: options.firstWriter },
    ...(options.paceMs === undefined ? {} : { paceMs: options.paceMs }),
  });
  try {
    const course: Course = {
      ...{ group, before, signal },
      flows: (limitMs) => everyWriterAcknowledged(writers, limitMs, signal),
      flowing: () => isFlowing(writers),
    };
    await course.flows(WARM_UP_LIMIT_MS);
    const fromMs = monotonicMs();
    await options.play(course);
    await undoAll(group.lab, { signal });
    const wholeAfterMs = await group.whole(options.wholeLimitMs, signal);
    const missing = wholeAfterMs === null ? await group.running.missing(signal) : null;
    if (wholeAfterMs !== null) await course.flows(WARM_UP_LIMIT_MS);
    const toMs = monotonicMs();
    const seen = await writers.stop();
    const after = await group.leads(signal, WARM_UP_LIMIT_MS);
    const found = await readIds(group, options, signal);
    return {
      ...judge({ firstWriter: options.firstWriter, attempts: seen.attempts, acked: seen.ids }, found),
      gapMs: Math.round(longestGap(seen.ackedAtMs, { fromMs, toMs })),
      ...{ failed: seen.failed, errors: seen.errors },
      ...{ terms: after.term - before.term, epochs: after.epoch - before.epoch, before, after },
      writable: await group.writable(signal),
      ...{ wholeAfterMs, missing },
    };
  } finally {
    await writers.kill();
    await undoAll(group.lab, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
  }
}

/** On the primary, through the gateway; again while the cluster is busy with itself. */
async function query(group: LabGroup, text: string, values: unknown[], signal: AbortSignal): Promise<{ id?: string }[]> {
  const deadlineMs = monotonicMs() + READ_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      const client = await connect(group.access, READ_TIMEOUT_MS);
      try {
        return (await client.query<{ id?: string }>(text, values)).rows;
      } finally {
        abandon(client);
      }
    } catch (error) {
      if (monotonicMs() > deadlineMs) throw error;
      await delay(POLL_MS, undefined, { signal });
    }
  }
}

export async function makeTable(group: LabGroup, signal: AbortSignal): Promise<void> {
  await query(
    group,
    `CREATE TABLE IF NOT EXISTS ${TABLE} (id bigint PRIMARY KEY, written_at timestamptz NOT NULL DEFAULT now())`,
    [],
    signal,
  );
}

/** What is there of these writers' ids, one writer after the other: all rows at once may be millions. */
export async function readIds(
  group: LabGroup,
  { firstWriter, writers }: Pick<TrialOptions, 'firstWriter' | 'writers'>,
  signal: AbortSignal,
): Promise<number[]> {
  const ids: number[] = [];
  for (let writer = firstWriter; writer < firstWriter + writers; writer++) {
    const { from, to } = idRange(writer);
    const rows = await query(group, `SELECT id FROM ${TABLE} WHERE id >= $1 AND id < $2`, [from, to], signal);
    for (const { id } of rows) ids.push(Number(id));
  }
  return ids;
}

async function everyWriterAcknowledged(writers: Writers, limitMs: number, signal: AbortSignal): Promise<void> {
  const askedMs = monotonicMs();
  while ((writers.progress()?.slowestAckMs ?? 0) <= askedMs) {
    if (monotonicMs() - askedMs > limitMs) throw new Error(`not every writer was acknowledged within ${limitMs} ms`);
    await delay(POLL_MS, undefined, { signal });
  }
}

function isFlowing(writers: Writers): boolean {
  return monotonicMs() - (writers.progress()?.newestAckMs ?? 0) < 1_000;
}
