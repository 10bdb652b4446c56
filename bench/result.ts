/** The one shape of every bench's result. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface BenchResult {
  name: string;
  at: string;
  machine: { cores: number; memoryBytes: number; cpu: string; kernel: string };
  versions: Record<string, string>;
  results: ScenarioResult[];
  /** How many times faster Nines is than a peer, by their medians. */
  ratios?: { scenario: string; peer: string; ratio: number }[];
}

export interface ScenarioResult {
  /** 'nines' or the peer's name. */
  system: string;
  scenario: string;
  unit: string;
  values: number[];
  min: number;
  median: number;
  max: number;
  /** Requests that were not answered well; left out where it does not apply. */
  failed?: number;
  /** Writes that were acknowledged, and those of them that were not in the database at the end. */
  acked?: number;
  lost?: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function scenarioResult(system: string, scenario: string, unit: string, values: number[], failed?: number): ScenarioResult {
  return {
    ...{ system, scenario, unit, values, min: Math.min(...values), median: median(values), max: Math.max(...values) },
    ...(failed === undefined ? {} : { failed }),
  };
}

/** Writes bench/results/NAME.json and returns its path. */
export function writeResult(
  name: string,
  versions: Record<string, string>,
  results: ScenarioResult[],
  more: Pick<BenchResult, 'ratios'> = {},
): string {
  const folder = fileURLToPath(new URL('./results/', import.meta.url));
  const file = `${folder}${name}.json`;
  const [cpu] = cpus();
  const machine = { cores: cpus().length, memoryBytes: totalmem(), cpu: cpu?.model ?? 'unknown', kernel: release() };
  const result: BenchResult = { name, at: new Date().toISOString(), machine, versions, results, ...more };
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}

export function table(results: ScenarioResult[]): string {
  const countsWrites = results.some(({ acked }) => acked !== undefined);
  const header = ['scenario', 'system', 'runs', 'min', 'median', 'max', 'unit', 'failed', ...(countsWrites ? ['acked', 'lost'] : [])];
  const rows = results.map((result) => [
    result.scenario,
    result.system,
    String(result.values.length),
    ...[result.min, result.median, result.max].map((value) => value.toFixed(value < 100 ? 1 : 0)),
    result.unit,
    ...[result.failed, ...(countsWrites ? [result.acked, result.lost] : [])].map((count) => String(count ?? '')),
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** First line that the tool prints about its version. */
export function versionLine(argv: [string, ...string[]]): string {
  const [file, ...args] = argv;
  return execFileSync(file, args, { encoding: 'utf8' }).split('\n')[0]?.trim() ?? 'unknown';
}

/** CPU seconds that the processes have used so far, in user and kernel mode. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, value) => sum + value, 0) / 100;
}
