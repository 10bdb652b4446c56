/** The whole demo: up, load, the steps, the final reads, the report; and whatever happens, down. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { OrderAttempt } from '../checkers/order-set.ts';
import type { Progress } from '../cli/terminal/progress.ts';
import { CONTRACT } from '../load/contract.ts';
import { readHistory } from '../load/history-file.ts';
import { LoadProcess } from '../load/load-process.ts';
import type { LoadSettings } from '../load/protocol.ts';
import { htmlReport } from '../report/html.ts';
import type { DemoReport } from '../report/report.ts';
import { buildReport } from './build-report.ts';
import { listedOrders } from './final-reads.ts';
import { acknowledgedByCustomer, judgeOrders, orderAttempts, type JudgedOrders } from './judge-orders.ts';
import { placedReport } from './placed-report.ts';
import { DEMO_TIMES, type DemoTimes, during, playSteps } from './play-steps.ts';
import type { DemoStep } from './steps.ts';
import type { DemoCluster, DemoSystem } from './system.ts';

export interface DemoOptions {
  system: DemoSystem;
  steps: readonly DemoStep[];
  /** Gets index.html, report.json and history.ndjson; made when missing. */
  reportFolder: string;
  ratePerSecond: number;
  progress: Progress;
  /** Ends the demo early; everything is taken down all the same. */
  signal: AbortSignal;
  times?: DemoTimes;
}

/** Cold processes at full load from the first moment fall behind, and every retry puts them further behind. */
const RAMP_MS = 12_000;
const REPORT_FILES = ['report.json', 'index.html', 'history.ndjson'] as const;
const DOWN_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const FINAL_READS_TIMEOUT_MS = 40_000;

/** Resolves with the report when there is one to judge; rejects when the demo could not be played. Down either way. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { system, progress } = options;
  const taken = async () => {
    const step = progress.step('taking everything down');
    try {
      // Not the demo's signal: an interrupted demo is taken down like any other.
      await system.down({ signal: AbortSignal.timeout(DOWN_TIMEOUT_MS), progress: (line) => step.update(line) });
      step.done();
    } catch (error) {
      step.failed(error instanceof Error ? error.message : String(error));
      throw error;
    }
  };
  let report: DemoReport;
  try {
    report = await playAll(options);
  } catch (error) {
    await taken().catch(() => undefined); // Told already; why it came to this matters more.
    // What an interruption makes of the work under way ("not everything is ready") is not why.
    options.signal.throwIfAborted();
    throw error;
  }
  await taken();
  return report;
}

async function playAll(options: DemoOptions): Promise<DemoReport> {
  const { system, progress, signal, reportFolder } = options;
  const startedAt = new Date();
  const startedMs = performance.now();
  await mkdir(reportFolder, { recursive: true });
  // The report of an earlier demo must not pass for the one of a demo that ends without.
  for (const name of REPORT_FILES) await rm(join(reportFolder, name), { force: true });
  const cluster = await during(progress, 'bringing everything up', async (step) => system.up({ signal, progress: step.update }));
  const upMs = performance.now() - startedMs;
  const settings = loadSettings(options, cluster);
  const load = await during(progress, `logging ${settings.customers} customers in`, async () => LoadProcess.start(settings, signal));
  try {
    const played = await playSteps({ ...options, times: options.times ?? DEMO_TIMES }, cluster, load);
    const summary = await load.stop(AbortSignal.any([signal, AbortSignal.timeout(STOP_TIMEOUT_MS)]));
    const records = await readHistory(settings.historyFile);
    const orders = await during(progress, 'reading every order back', async () => readBack(options, cluster, orderAttempts(records)));
    const report = buildReport({
      records,
      steps: options.steps,
      played,
      orders,
      settings,
      summary,
      circumstances: {
        topology: placedReport(cluster.spec, cluster.target),
        versions: cluster.versions,
        machine: { cpus: cpus().length, cpuModel: cpus()[0]?.model ?? 'unknown', memoryBytes: totalmem(), kernel: release() },
        started: startedAt.toISOString(),
        upMs,
        tookMs: performance.now() - startedMs,
      },
    });
    await writeFile(join(reportFolder, 'report.json'), `${JSON.stringify(report, rounded, 2)}\n`);
    await writeFile(join(reportFolder, 'index.html'), htmlReport(report));
    return report;
  } finally {
    await load.kill();
  }
}

function loadSettings({ ratePerSecond, reportFolder, times = DEMO_TIMES }: DemoOptions, { target }: DemoCluster): LoadSettings {
  return {
    target,
    ratePerSecond,
    rampMs: Math.min(RAMP_MS, times.warmUpMs),
    // So many that none of them has placed more orders at the end than the API lists on one page.
    customers: Math.ceil(ratePerSecond),
    runId: `demo-${process.pid}-${Date.now().toString(36)}`,
    contract: CONTRACT,
    maxConnections: 2000,
    freshEvery: 20,
    historyFile: join(reportFolder, 'history.ndjson'),
  };
}

async function readBack({ signal, progress }: DemoOptions, cluster: DemoCluster, attempts: OrderAttempt[]): Promise<JudgedOrders> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(FINAL_READS_TIMEOUT_MS)]);
  const listed = await listedOrders(cluster.target, acknowledgedByCustomer(attempts), within);
  const stored = await cluster.storedOrders({ signal: within }).catch((error: unknown) => {
    // Without this read nothing can be said about the orders, and the verdict says just that.
    progress.note(`the orders could not be read from the database: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  });
  signal.throwIfAborted();
  return judgeOrders(attempts, stored, listed);
}

/** Microseconds are more than anybody reads. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Math.round(value * 1000) / 1000 : value;
}
