/** The report's last part: what the figures mean, and on what they were taken. Pure. */
import { LAG_LIMITS } from '../load/lag.ts';
import { escaped } from './escape.ts';
import type { DemoReport } from './report.ts';
import { count, duration, share } from './words.ts';

export function howMeasured(report: DemoReport): string {
  const { load, total, machine, baseline, orders } = report;
  const rows: [string, string][] = [
    [
      'Client',
      `Open loop: ${count(load.ratePerSecond)} requests are due every second, each at a moment fixed before the run, whatever became of those before it. ${share(total.keyedWrites, total.requests)} of the requests are writes with an idempotency key. ${count(load.connectionsOpened)} connections, kept and new ones.`,
    ],
    [
      'Failed',
      `Not answered well by its deadline: ${duration(load.readDeadlineMs)} for reads, ${duration(load.writeDeadlineMs)} for writes, with one retry on another connection after ${Math.round(load.retryAtShare * 100)} % of it (reads and keyed writes only).`,
    ],
    ['Gap', 'The longest time inside the step in which no good answer came: to anybody, to a reader, to a writer.'],
    ['Recovered', 'From the fault until every request is answered well at its first try, without needing the retry.'],
    [
      'Orders',
      `${sentence(orders.reason)} Of the orders without a definite answer ${count(orders.unanswered.present)} are there and ${count(orders.unanswered.absent)} are not; both are right.`,
    ],
    [
      'With nothing broken',
      `${count(baseline.requests)} requests, ${count(baseline.failed)} failed, p50 ${duration(baseline.latency.p50Ms)}, p99 ${duration(baseline.latency.p99Ms)}, longest gap ${duration(baseline.longestGapMs)}.`,
    ],
    [
      'Latency',
      `From when a request was due: p50 ${duration(load.intended.p50Ms)}, p99 ${duration(load.intended.p99Ms)}, p99.9 ${duration(load.intended.p999Ms)}; from when it was sent: p50 ${duration(load.service.p50Ms)}, p99 ${duration(load.service.p99Ms)}.`,
    ],
    [
      "The client's own delay",
      `p99 ${duration(load.lag.p99Ms)}, worst ${duration(load.lag.maxMs)} (a step above ${LAG_LIMITS.p99Ms} and ${LAG_LIMITS.maxMs} ms decides nothing); it used ${Math.round(load.cpu.share * 100)} % of a core.`,
    ],
    [
      'Machine',
      `${machine.cpus} × ${machine.cpuModel}, ${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB, Linux ${machine.kernel}; the client ran on it too.`,
    ],
    [
      'Versions',
      Object.entries(report.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ') || '—',
    ],
    ['Time', `Up in ${duration(report.upMs)}, all in ${duration(report.tookMs)}.`],
  ];
  const items = rows.map(([term, words]) => `<dt>${escaped(term)}</dt><dd>${escaped(words)}</dd>`);
  return `<dl class="card">${items.join('\n')}</dl>`;
}

function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}
