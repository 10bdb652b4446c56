/** Every fault's figures and every calm hour's, one line of JSON each, written at once. */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(run)}\n`);
}

/** The last line may be cut off by a machine that stopped. */
export function readSoakRuns(file: string): SoakRun[] {
  return readOrEmpty(file)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as SoakRun);
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

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
