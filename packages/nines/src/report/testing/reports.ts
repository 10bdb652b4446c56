/** A passed report for tests, with what is to be different. */
import { stepFigures } from '../../load/step-figures.ts';
import { aRun } from '../../load/testing/records.ts';
import { timeline } from '../../load/timeline.ts';
import type { DemoReport, StepReport } from '../report.ts';

const QUICK = { p50Ms: 2, p99Ms: 9, p999Ms: 20, maxMs: 30 };
const RECORDS = aRun(10_000);

export function aStep(different: Partial<StepReport> = {}): StepReport {
  const window = { fromMs: 2000, untilMs: 6000 };
  const faults = [{ name: 'kill', atMs: 3000 }];
  return {
    ...stepFigures(RECORDS, { name: 'instance-kill', window, faults }),
    name: 'instance-kill',
    title: 'kill -9 an API instance',
    limits: { failed: 0 },
    verdict: 'passed',
    findings: [],
    proofs: ['process 7 of orders-0 on a1 is gone'],
    ...window,
    ...different,
  };
}

export function aReport(different: Partial<DemoReport> = {}): DemoReport {
  return {
    verdict: 'passed',
    findings: [],
    steps: [aStep()],
    ackedOrders: 12_345,
    lostOrders: 0,
    duplicatedOrders: 0,
    orders: { verdict: 'valid', reason: 'all is there', phantom: 0, unanswered: { present: 1, absent: 2 }, anomalies: [] },
    baseline: aStep({ name: 'baseline', title: 'load with nothing broken', faults: [], proofs: [] }),
    total: { requests: 1000, keyedWrites: 250, failed: 0, failedFirstTry: 3 },
    load: {
      durationMs: 10_000,
      counts: { requests: 1000, failed: 0, disturbed: 3, acknowledgedOrders: 225 },
      intended: QUICK,
      service: QUICK,
      lag: QUICK,
      cpu: { userMs: 500, systemMs: 300, share: 0.08 },
      connectionsOpened: 60,
      priority: 0,
      ratePerSecond: 100,
      customers: 10,
      readDeadlineMs: 2000,
      writeDeadlineMs: 3000,
      retryAtShare: 0.4,
    },
    timeline: timeline(RECORDS, 10_000),
    topology: {
      name: 'orders',
      target: 'http://10.0.0.9:8080',
      zones: [
        {
          region: 'west',
          zone: 'a',
          hosts: [{ host: 'a1', address: '10.0.0.1', units: [{ name: 'haproxy', engine: 'haproxy', initialLeader: true }] }],
        },
      ],
    },
    versions: { node: 'v24' },
    machine: { cpus: 2, cpuModel: 'test', memoryBytes: 2 ** 32, kernel: '6' },
    started: '2026-11-22T20:00:00.000Z',
    upMs: 20_000,
    tookMs: 120_000,
    ...different,
  };
}
