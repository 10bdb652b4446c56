/** Every fault's figures and every calm hour's, written at once. */
import { appendRecord, readRecords } from '../record-lines.ts';
import type { TrialResult } from './trial.ts';

export interface FaultRun {
  kind: 'fault';
  seed: number;
  index: number;
  /** When it ended, ISO 8601. */
  at: string;
  /** Names, and what was done, in the order in which it began. */
  faults: { name: string; words: string }[];
  holdMs: number;
  result: Omit<TrialResult, 'errors'>;
}

export interface CalmRun {
  kind: 'idle' | 'load';
  at: string;
  minutes: number;
  /** Epochs that were opened: somebody suspected a leader that was well. */
  elections: number;
  /** Terms that were given out. */
  failovers: number;
  /** Longest time from the first sign of an election until the cluster was whole again; null: there was none. */
  worstBackMs: number | null;
  /** Null without writers. */
  writes: { acked: number; lost: number; failed: number; gapMs: number; perSecond: number } | null;
}

export type SoakRun = FaultRun | CalmRun;

export function appendSoakRun(file: string, run: SoakRun): void {
  appendRecord(file, run);
}

export function readSoakRuns(file: string): SoakRun[] {
  return readRecords(file);
}

/** The first fault of that seed that was not played yet. */
export function nextIndex(runs: readonly SoakRun[], seed: number): number {
  const played = runs.flatMap((run) => (run.kind === 'fault' && run.seed === seed ? [run.index] : []));
  return Math.max(-1, ...played) + 1;
}

/** What a fault must not leave behind, in words; empty: all is well. */
export function problemsOf({ result }: Pick<FaultRun, 'result'>): string[] {
  const { lost, phantoms, writable, wholeAfterMs, missing, after } = result;
  return [
    ...(lost > 0 ? [`${lost} acknowledged writes are lost`] : []),
    ...(phantoms > 0 ? [`${phantoms} writes are there that nobody sent`] : []),
    ...(writable.length === 1 && writable[0] === after.host
      ? []
      : [`${after.host} leads; writes are acknowledged by: ${writable.join(', ') || 'nobody'}`]),
    ...(wholeAfterMs === null ? [`not whole again: ${missing}`] : []),
  ];
}
