/**
 * How long writes stand still when the primary of PostgreSQL is taken away, and whether an acknowledged one is lost: Nines and
 * Patroni on the same lab, with the same writers, through the same kind of gateway. The runs of one system in one round share a cluster.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, table, writeResult } from '../result.ts';
import type { Bench } from '../run.ts';
import { missedGoals, phaseMedians, ratios, results, scenarioTitle } from './figures.ts';
import { KeptCluster } from './kept-cluster.ts';
import { ownLabName, removeOrphans } from './labs.ts';
import { type Combination, combinationKey, isSelected, missingRuns } from './matrix.ts';
import { measureRun } from './measure.ts';
import { nines } from './nines/nines.ts';
import { FAILOVER_OPTIONS, FAILOVER_USAGE, type FailoverOptions, failoverOptions } from './options.ts';
import { patroniDefault, patroniTuned } from './patroni/patroni.ts';
import { appendRun, forgetRuns, readRuns, type RunRecord } from './run-log.ts';
import type { System, SystemName } from './system.ts';
import { DEADLINE_MS, PACE_MS, RETRY_MS } from './writers/writer.ts';
import { WRITERS } from './writers/writers.ts';

const RUNS_FILE = fileURLToPath(new URL('../results/failover.runs.jsonl', import.meta.url));
const SYSTEM: Record<SystemName, System> = { nines, 'patroni-default': patroniDefault, 'patroni-tuned': patroniTuned };
/** The machine comes to rest. */
const BETWEEN_RUNS_MS = 1_000;

export const failoverBench: Bench = {
  what: 'longest write gap and lost writes when the primary of PostgreSQL goes, against Patroni; goes on where it stopped',
  usage: FAILOVER_USAGE,
  options: FAILOVER_OPTIONS,
  minRuns: 0,
  run: ({ runs, values }) => run(failoverOptions(values, runs)),
};

async function run(options: FailoverOptions): Promise<boolean> {
  const { selection, fresh } = options;
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    if (fresh) forgetRuns(RUNS_FILE, selection);
    const todo = missingRuns(selection, readRuns(RUNS_FILE));
    const failures = todo.length === 0 ? 0 : await makeRuns(todo, stopped.signal);
    const runs = readRuns(RUNS_FILE);
    const missed = report(runs, options);
    return failures === 0 && !stopped.signal.aborted && missed.length === 0;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** Gives back how many could not be made. A combination that fails is not tried again in this call. */
async function makeRuns(todo: readonly Combination[], signal: AbortSignal): Promise<number> {
  const given = new Set<string>();
  await removeOrphans(signal, say);
  for (const system of new Set(todo.map((one) => one.system))) SYSTEM[system].prepare(say);
  const cluster = new KeptCluster({ systems: SYSTEM, labName: await ownLabName(), signal });
  let failures = 0;
  try {
    for (const [index, combination] of todo.entries()) {
      if (signal.aborted) break;
      const title = `run ${index + 1} of ${todo.length}: ${combination.system}, ${scenarioTitle(combination)}`;
      if (given.has(combinationKey(combination))) continue;
      try {
        const made = await measureRun(await cluster.for(combination), combination, signal);
        appendRun(RUNS_FILE, made);
        say(`${title}: ${runWords(made)}`);
        if (!made.recovered || made.wholeAfterMs === null) await cluster.close();
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        given.add(combinationKey(combination));
        say(`${title}: could not be made, and is not tried again now: ${error instanceof Error ? error.message : String(error)}`);
        await cluster.close();
      }
      await delay(BETWEEN_RUNS_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await cluster.close();
  }
  if (signal.aborted) say('interrupted; what was measured is kept, the same call goes on from here');
  return failures;
}

function runWords(run: RunRecord): string {
  const whole = run.wholeAfterMs === null ? 'not whole again within a minute' : `whole again after ${run.wholeAfterMs} ms`;
  const end = run.recovered ? whole : `writes did not come back by themselves; ${whole}`;
  return `gap ${Math.round(run.gapMs)} ms, ${run.acked} acked, ${run.failed} failed, ${run.lost} lost; ${end}`;
}

function report(runs: readonly RunRecord[], { selection, breakdown }: FailoverOptions): string[] {
  if (runs.length === 0) return [];
  const measured = new Set(runs.map(({ system }) => system));
  const versions = {
    node: process.version,
    writers: `${WRITERS}, at most one write per ${PACE_MS} ms each, deadline ${DEADLINE_MS} ms, again ${RETRY_MS} ms after an error`,
    ...Object.assign({}, ...[...measured].map((system) => SYSTEM[system].versions())),
  } as Record<string, string>;
  const file = writeResult('failover', versions, results(runs), { ratios: ratios(runs) });
  const shown = runs.filter((run) => isSelected(selection, run));
  const lines = Object.entries(versions).map(([name, version]) => `${name}: ${version}`);
  say(`\n${lines.join('\n')}\n\n${table(results(shown))}\n`);
  for (const { scenario, peer, ratio } of ratios(shown)) say(`${scenario}: nines is ${ratio} times faster than ${peer}`);
  const missed = missedGoals(shown);
  for (const line of missed) say(`goal missed: ${line}`);
  if (breakdown) say(`\n${breakdownTable(shown)}`);
  say(`written: ${file}`);
  return missed;
}

/** Milliseconds of each phase, median over the runs of each scenario. */
function breakdownTable(runs: readonly RunRecord[]): string {
  const titles = [...new Set(runs.filter(({ phases }) => Object.keys(phases).length > 0).map(scenarioTitle))];
  if (titles.length === 0) return 'no run tells where its time went';
  return titles
    .map((title) => {
      const mine = runs.filter((run) => scenarioTitle(run) === title);
      const medians = [...phaseMedians(mine)].map(([phase, ms]) => `  ${phase.padEnd(24)}${Math.round(ms).toString().padStart(6)} ms`);
      return [
        `${title} (median of ${mine.filter(({ phases }) => Object.keys(phases).length > 0).length})`,
        ...medians,
        machineLine(mine),
      ].join('\n');
    })
    .join('\n');
}

/** What the machine had left in those gaps, in the median. */
function machineLine(runs: readonly RunRecord[]): string {
  const known = (figure: 'idle' | 'steal' | 'workMs') => runs.flatMap((run) => run[figure] ?? []);
  if (known('idle').length === 0) return '  the machine: not measured';
  const percent = (figure: 'idle' | 'steal') => `${Math.round(median(known(figure)) * 100)} %`;
  return `  the machine: ${percent('idle')} idle, ${percent('steal')} stolen; fixed work ${median(known('workMs'))} ms`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
