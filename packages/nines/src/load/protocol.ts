/** What the driver and the load process say to each other: one JSON object per line on stdin and stdout. */
import type { Target } from './connection.ts';
import type { ClientContract } from './contract.ts';
import type { LoadCounts, Percentiles } from './measures.ts';

export interface LoadSettings {
  target: Target;
  ratePerSecond: number;
  /** The rate grows evenly from 0 for so long. */
  rampMs: number;
  customers: number;
  /** Letters, digits and dashes; part of the names and keys that the run makes. */
  runId: string;
  contract: ClientContract;
  maxConnections: number;
  freshEvery: number;
  /** NDJSON: every request, and the marks. */
  historyFile: string;
}

export type LoadCommand = { do: 'start'; settings: LoadSettings } | { do: 'mark'; name: string; atMs: number } | { do: 'stop' };

/** The run five times a second. */
export interface LoadTick {
  atMs: number;
  counts: LoadCounts;
  /** When the last request that was not answered well at the first try was due. */
  lastDisturbedDueMs: number | null;
  inFlight: number;
  oldestInFlightMs: number;
  openConnections: number;
}

export interface LoadSummary {
  durationMs: number;
  counts: LoadCounts;
  intended: Percentiles;
  service: Percentiles;
  lag: Percentiles;
  /** CPU of the load process alone while it ran; share 1 is one core. */
  cpu: { userMs: number; systemMs: number; share: number };
  connectionsOpened: number;
  /** Its scheduling priority; below 0 it goes before the system under test. */
  priority: number;
}

export type LoadEvent =
  | { event: 'started'; originNs: string }
  | { event: 'tick'; tick: LoadTick }
  | { event: 'stopped'; summary: LoadSummary }
  | { event: 'failed'; code: string; message: string };

/** Splits a stream of text into lines; gives whole ones only. */
export function lineSplitter(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  };
}
