/** What became of the writes of a trial. Pure. */
import { lostWrites } from '../failover/figures.ts';
import { IDS_PER_WRITER } from '../failover/writers/writer.ts';

/** Everything that a group of writers sent, and what was acknowledged of it. */
export interface Sent {
  firstWriter: number;
  /** How many ids each writer used, by its place. */
  attempts: readonly number[];
  acked: Float64Array | readonly number[];
}

export interface Verdict {
  acked: number;
  /** Acknowledged, and not there. */
  lost: number;
  /** There, and never sent. */
  phantoms: number;
}

/** @param found every id between the first and the last that these writers could use */
export function judge({ firstWriter, attempts, acked }: Sent, found: readonly number[]): Verdict {
  const isSent = (id: number): boolean => id % IDS_PER_WRITER < (attempts[Math.floor(id / IDS_PER_WRITER) - firstWriter] ?? 0);
  return { acked: acked.length, lost: lostWrites(acked, new Set(found)), phantoms: found.filter((id) => !isSent(id)).length };
}

/** From the first id that this writer can use to the one behind the last. */
export function idRange(writer: number): { from: number; to: number } {
  return { from: writer * IDS_PER_WRITER, to: (writer + 1) * IDS_PER_WRITER };
}
