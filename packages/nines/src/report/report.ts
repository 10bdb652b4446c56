/** `report.json`: what a demo showed. Durations are milliseconds, times `...Ms` count from the start of the load. */
import type { LoadSummary } from '../load/protocol.ts';
import type { StepFigures } from '../load/step-figures.ts';
import type { TimelineSlot } from '../load/timeline.ts';

export type Verdict = 'passed' | 'failed' | 'undecided';

/** What a step must keep; a limit that is absent is not judged. */
export interface StepLimits {
  failed?: number;
  recoveredMs?: number;
}

export interface StepReport extends StepFigures {
  /** Stable, for programs: 'instance-kill'. */
  name: string;
  /** For people: 'kill -9 an API instance'. */
  title: string;
  limits: StepLimits;
  verdict: Verdict;
  /** What missed its limit, or why it cannot be said; one sentence each. */
  findings: string[];
  /** What showed that the faults took effect. */
  proofs: string[];
  fromMs: number;
  untilMs: number;
}

export interface OrdersReport {
  verdict: 'valid' | 'invalid' | 'unknown';
  reason: string;
  phantom: number;
  /** Requests without a definite answer, by whether their order turned out to be there. */
  unanswered: { present: number; absent: number };
  /** At most 20 of the anomalies, in words. */
  anomalies: string[];
}

export interface PlacedReport {
  name: string;
  zones: {
    region: string;
    zone: string;
    hosts: { host: string; address: string; units: { name: string; engine: string; initialLeader: boolean }[] }[];
  }[];
  target: string;
}

export interface DemoReport {
  verdict: Verdict;
  /** All that missed or cannot be said, with the name of its step; empty when passed. */
  findings: string[];
  steps: StepReport[];
  ackedOrders: number;
  lostOrders: number;
  duplicatedOrders: number;
  orders: OrdersReport;
  /** With nothing broken, before the first step; judged like one. */
  baseline: StepReport;
  /** Over the whole run, between the steps too. */
  total: { requests: number; keyedWrites: number; failed: number; failedFirstTry: number };
  load: LoadSummary & { ratePerSecond: number; customers: number; readDeadlineMs: number; writeDeadlineMs: number; retryAtShare: number };
  timeline: TimelineSlot[];
  topology: PlacedReport;
  versions: Record<string, string>;
  machine: { cpus: number; cpuModel: string; memoryBytes: number; kernel: string };
  /** ISO 8601. */
  started: string;
  /** Until everything was ready, and until the report was written. */
  upMs: number;
  tookMs: number;
}
