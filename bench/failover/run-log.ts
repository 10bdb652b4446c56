/** Every run's figures, one line of JSON each, written as soon as the run has ended: a later call goes on from there. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
  /** How long each phase of the failover took, by its name; empty for systems that do not say. */
  phases: Record<string, number>;
}

/** @throws when a line that is not the last cannot be read; the last may be cut off by a machine that stopped. */
export function readRuns(file: string): RunRecord[] {
  const lines = readOrEmpty(file).split('\n');
  const rest = lines.pop();
  if (rest !== '' && rest !== undefined) writeRuns(file, lines.map(parseRun));
  return lines.map(parseRun);
}

export function appendRun(file: string, run: RunRecord): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(run)}\n`);
}

/** Drops the runs of the selection; the others stay. */
export function forgetRuns(file: string, selection: Selection): void {
  writeRuns(
    file,
    readRuns(file).filter((run) => !isSelected(selection, run)),
  );
}

function parseRun(line: string): RunRecord {
  return JSON.parse(line) as RunRecord;
}

function writeRuns(file: string, runs: readonly RunRecord[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, runs.map((run) => `${JSON.stringify(run)}\n`).join(''));
  renameSync(`${file}.new`, file);
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
