/** Every run's figures, written as soon as the run has ended. */
import { appendRecord, readRecords, writeRecords } from '../record-lines.ts';
import { type Combination, isSelected, type Selection } from './matrix.ts';

export interface RunRecord extends Combination {
  /** When it ended, ISO 8601. */
  at: string;
  /** Longest time between two acknowledgements, from one second before the fault until it was undone. */
  gapMs: number;
  /** Writes were acknowledged steadily again before the fault was undone; if not, `gapMs` ends there. */
  recovered: boolean;
  /** The same after the fault was undone: what the return of the host costs. */
  gapAfterUndoMs: number;
  /** Between the end of the fault and a cluster that is whole again; null: not within a minute. */
  wholeAfterMs: number | null;
  acked: number;
  /** Attempts that got an error or no answer within their deadline. */
  failed: number;
  /** Acknowledged, and not in the database at the end. */
  lost: number;
  /** Acknowledged writes per second before the fault. */
  writesPerSecond: number;
  /** Worst lateness of the writers' own event loop: high means that the machine was full. */
  loopLagMs: number;
  /** Milliseconds of one core for a fixed piece of work, before the writers began: the same machine is not always as fast. */
  workMs?: number;
  /** Of all cores during the gap: what nobody wanted, and what other machines of the same host had. */
  idle?: number;
  steal?: number;
  /** How long each phase of the failover took, by its name; empty for systems that do not say. */
  phases: Record<string, number>;
}

export function readRuns(file: string): RunRecord[] {
  return readRecords(file);
}

export function appendRun(file: string, run: RunRecord): void {
  appendRecord(file, run);
}

/** Drops the runs of the selection; the others stay. */
export function forgetRuns(file: string, selection: Selection): void {
  writeRecords(
    file,
    readRuns(file).filter((run) => !isSelected(selection, run)),
  );
}
