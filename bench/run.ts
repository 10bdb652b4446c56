/**
 * npm run bench -- NAME [--runs N] [options of that bench].
 * Exit codes: 0 good, 1 the goal was missed, 2 wrong usage, 3 something is missing on this machine.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { NinesError } from '../packages/nines/src/errors/errors.ts';
import { EXIT_ENVIRONMENT, SetupError } from '../scripts/setup/setup-error.mjs';
import { failoverBench } from './failover/failover.ts';
import { UsageError } from './failover/options.ts';
import { gatewayBench } from './gateway/gateway.ts';
import { policiesBench } from './policies/policies.ts';

export interface Bench {
  what: string;
  /** Its own options, for people and for the parser. */
  usage?: string;
  options?: NonNullable<ParseArgsConfig['options']>;
  /** Fewer `--runs` are refused; 1 when left out. */
  minRuns?: number;
  /** Prints its table, writes bench/results/NAME.json; false when it missed its goal. @param options.runs null: the bench's own default */
  run(options: { runs: number | null; values: Record<string, unknown> }): Promise<boolean>;
}

const BENCHES: Record<string, Bench> = {
  gateway: gatewayBench,
  failover: failoverBench,
  policies: policiesBench,
};

function usage(problem: string): number {
  const list = Object.entries(BENCHES).flatMap(([name, bench]) => [
    `  ${name.padEnd(12)} ${bench.what}`,
    ...(bench.usage ?? '').split('\n').flatMap((line) => (line === '' ? [] : [`  ${' '.repeat(12)} ${line}`])),
  ]);
  process.stderr.write(`${problem}\nusage: npm run bench -- NAME [--runs N] [options]\n${list.join('\n')}\n`);
  return 2;
}

async function main([name, ...rest]: string[]): Promise<number> {
  if (name === undefined) return usage('which bench?');
  const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (bench === undefined) return usage(`there is no bench '${name}'; its name comes first`);
  try {
    const { values } = parseArgs({ args: rest, options: { ...bench.options, runs: { type: 'string' } } });
    const given = (values as Record<string, unknown>)['runs'];
    const runs = given === undefined ? null : Number(given);
    if (runs !== null && (!Number.isInteger(runs) || runs < (bench.minRuns ?? 1) || runs > 1_000))
      return usage(`--runs takes a whole number from ${bench.minRuns ?? 1} to 1000, not '${String(given)}'`);
    return (await bench.run({ runs, values })) ? 0 : 1;
  } catch (error) {
    return exitCode(error);
  }
}

function exitCode(error: unknown): number {
  if (error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS'))
    return usage((error as Error).message);
  if (error instanceof SetupError || (error instanceof NinesError && ['E_PERMISSION', 'E_ENGINE_MISSING'].includes(error.code))) {
    process.stderr.write(`${error.message}\n`);
    return EXIT_ENVIRONMENT;
  }
  throw error;
}

process.exitCode = await main(process.argv.slice(2));
