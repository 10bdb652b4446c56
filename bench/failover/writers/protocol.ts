/** Between the bench and the process of its writers. Times are milliseconds of the machine's monotonic clock. */
import type { DatabaseAccess } from '../system.ts';

export type ToWriters = ({ kind: 'start'; access: DatabaseAccess } & WriterOptions) | { kind: 'stop' };

export interface WriterOptions {
  /** How many write at once. */
  writers: number;
  /** Number of the first of them: what they write is told from what others wrote by it. */
  firstWriter?: number;
  /** Each writes at most once in so long; 0: as fast as it is answered. */
  paceMs?: number;
}

export type FromWriters =
  | ({ kind: 'progress' } & Progress)
  /** Acknowledged writes in the order of their acknowledgement. */
  | ({ kind: 'result' } & Result);

export interface Result {
  ids: Float64Array;
  ackedAtMs: Float64Array;
  failed: number;
  errors: Record<string, number>;
  loopLagMs: number;
  /** How many ids each writer ever used, by its place: no other can be in the database. */
  attempts: number[];
}

export interface Progress {
  atMs: number;
  acked: number;
  /** When any writer, and when the least lucky one, was acknowledged last; 0: never. */
  newestAckMs: number;
  slowestAckMs: number;
}

/** Shared by all processes of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export const TABLE = 'bench_writes';
