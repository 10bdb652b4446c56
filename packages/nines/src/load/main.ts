/** The load process. Its own, so that nothing the driver does (it breaks things meanwhile) delays a request. */
import { getPriority } from 'node:os';
import { NinesError } from '../errors/errors.ts';
import { type HistoryWriter, openHistory } from './history-file.ts';
import { OrdersScenario } from './orders-scenario.ts';
import { setNiceness } from './priority.ts';
import { lineSplitter, type LoadCommand, type LoadEvent, type LoadSettings, type LoadSummary } from './protocol.ts';
import { type LoadRun, startLoad } from './run.ts';

const TICK_MS = 200;
/** Before the system under test on a full machine: a measure must not be late because what it measures is busy. */
const NICENESS = -10;

const abort = new AbortController();
let running: { run: LoadRun; history: HistoryWriter; ticker: NodeJS.Timeout; cpu: NodeJS.CpuUsage } | null = null;

function say(event: LoadEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function fail(error: unknown): void {
  const code = error instanceof NinesError ? error.code : 'E_UNREACHABLE';
  say({ event: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}

async function start(settings: LoadSettings): Promise<void> {
  // Without root it runs like everything else; the summary says so, and a late client is found by its lag.
  setNiceness(0, NICENESS);
  const history = openHistory(settings.historyFile, fail);
  const scenario = new OrdersScenario(settings);
  const run = await startLoad({ ...settings, scenario, record: (record) => history.record(record) }, abort.signal);
  const ticker = setInterval(() => tick(run), TICK_MS);
  running = { run, history, ticker, cpu: process.cpuUsage() };
  say({ event: 'started', originNs: String(run.originNs) });
}

function tick(run: LoadRun): void {
  say({
    event: 'tick',
    tick: {
      atMs: run.nowMs(),
      counts: run.measures.counts,
      lastDisturbedDueMs: run.measures.lastDisturbedDueMs,
      inFlight: run.inFlight(),
      oldestInFlightMs: run.oldestInFlightMs(),
      openConnections: run.connections().open,
    },
  });
}

async function stop(): Promise<void> {
  if (running === null) process.exit(0);
  const { run, history, ticker, cpu } = running;
  const durationMs = run.nowMs();
  const used = process.cpuUsage(cpu);
  await run.stop();
  clearInterval(ticker);
  await history.close();
  const summary: LoadSummary = {
    durationMs,
    counts: run.measures.counts,
    ...run.measures.percentiles(),
    cpu: { userMs: used.user / 1000, systemMs: used.system / 1000, share: (used.user + used.system) / 1000 / durationMs },
    connectionsOpened: run.connections().opened,
    priority: getPriority(),
  };
  say({ event: 'stopped', summary });
  process.exitCode = 0;
  process.stdin.destroy();
}

function obey(line: string): void {
  const command = JSON.parse(line) as LoadCommand;
  if (command.do === 'start') start(command.settings).catch(fail);
  else if (command.do === 'mark') running?.history.mark(command.name, command.atMs);
  else stop().catch(fail);
}

process.stdin.setEncoding('utf8');
process.stdin.on('data', lineSplitter(obey));
// The driver is gone, however it went: nobody needs the figures any more.
process.stdin.on('end', () => {
  abort.abort();
  process.exit(1);
});
