/** What policies cost for a call, and which defects of the peers they have: against opossum and cockatiel. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ScenarioResult, scenarioResult, table, writeResult } from '../result.ts';
import type { Bench } from '../run.ts';
import { DEFECTS, LIBRARIES, type Library } from './defects.ts';
import { SCENARIOS } from './scenarios.ts';

const DEFAULT_RUNS = 7;
/** Nanoseconds for the four together. */
const GOAL = { scenario: 'timeout, retry, breaker, bulkhead', ns: 2_000 };
/** As large as what a measurement of memory makes: no collection comes between. */
const FLAGS = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];
const DEADLINE_MS = 60_000;
const PROCESS = fileURLToPath(new URL('./measure-process.ts', import.meta.url));

interface Cost {
  ns: number;
  cpuNs: number;
  bytes: number;
}

export const policiesBench: Bench = {
  what: 'cost of policies for a call, and the defects of the peers, against opossum and cockatiel',
  run,
};

async function run({ runs: given }: { runs: number | null }): Promise<boolean> {
  const runs = given ?? DEFAULT_RUNS;
  process.stdout.write(`${await conformance()}\n\n`);
  const costs = new Map<string, Cost[]>();
  for (let at = 0; at < runs; at++) {
    for (const [scenario, libraries] of Object.entries(SCENARIOS)) {
      const order = LIBRARIES.filter((library) => library in libraries);
      for (const library of at % 2 === 0 ? order : order.toReversed()) {
        const key = `${library}\n${scenario}`;
        costs.set(key, [...(costs.get(key) ?? []), await measure(library, scenario)]);
      }
    }
    process.stdout.write(`run ${at + 1} of ${runs} done\n`);
  }
  return report(costs);
}

function report(costs: Map<string, Cost[]>): boolean {
  const inUnit = (unit: string, of: (cost: Cost) => number): ScenarioResult[] =>
    Object.entries(SCENARIOS).flatMap(([scenario, libraries]) =>
      LIBRARIES.filter((library) => library in libraries).map((library) =>
        scenarioResult(library, scenario, unit, (costs.get(`${library}\n${scenario}`) ?? []).map(of)),
      ),
    );
  const results = [...inUnit('ns', ({ ns }) => ns), ...inUnit('CPU ns', ({ cpuNs }) => cpuNs), ...inUnit('bytes', ({ bytes }) => bytes)];
  const versions = { node: process.version, opossum: versionOf('opossum'), cockatiel: versionOf('cockatiel') };
  const of = (system: string, scenario: string) =>
    results.find((each) => each.system === system && each.scenario === scenario)?.median ?? NaN;
  const ratios = Object.entries(SCENARIOS).flatMap(([scenario, libraries]) =>
    (['opossum', 'cockatiel'] as const)
      .filter((peer) => peer in libraries)
      .map((peer) => ({ scenario, peer, ratio: of(peer, scenario) / of('nines', scenario) })),
  );
  process.stdout.write(
    `${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}\n\n${table(results)}\n\n`,
  );
  for (const { scenario, peer, ratio } of ratios) process.stdout.write(`${scenario}: ${ratio.toFixed(1)} times as fast as ${peer}\n`);
  process.stdout.write(`\nwritten: ${writeResult('policies', versions, results, { ratios })}\n`);
  const took = of('nines', GOAL.scenario);
  if (took <= GOAL.ns) return true;
  process.stdout.write(`goal missed: ${GOAL.scenario}: median ${Math.round(took)} ns, the goal is ${GOAL.ns}\n`);
  return false;
}

async function measure(library: Library, scenario: string): Promise<Cost> {
  const args = [...FLAGS, PROCESS, library, scenario];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: DEADLINE_MS });
  return JSON.parse(stdout) as Cost;
}

/** In real time; `test/policies-conformance.test.ts` holds them to what was seen. */
async function conformance(): Promise<string> {
  const rows: string[][] = [];
  for (const { what, happens } of DEFECTS) {
    const cells: string[] = [];
    for (const library of LIBRARIES) {
      const check = happens[library];
      cells.push(check === undefined ? '-' : (await check((ms) => delay(ms))) ? 'yes' : 'no');
    }
    rows.push([what, ...cells]);
  }
  const header = ['defect', ...LIBRARIES];
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}

function versionOf(library: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(library));
  for (;;) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string };
      if (name === library && version !== undefined) return version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (folder === dirname(folder)) return 'unknown';
    folder = dirname(folder);
  }
}
