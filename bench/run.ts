/** npm run bench -- NAME [--runs N]. Exit codes: 0 good, 1 the goal was missed, 2 wrong usage. */
import { parseArgs } from 'node:util';
import { gatewayBench } from './gateway/gateway.ts';

export interface Bench {
  what: string;
  defaultRuns: number;
  /** Prints its table, writes bench/results/NAME.json; false when it missed its goal. */
  run(options: { runs: number }): Promise<boolean>;
}

const BENCHES: Record<string, Bench> = {
  gateway: gatewayBench,
};

function usage(problem: string): number {
  const list = Object.entries(BENCHES).map(([name, bench]) => `  ${name.padEnd(12)} ${bench.what}`);
  process.stderr.write(`${problem}\nusage: npm run bench -- NAME [--runs N]\n${list.join('\n')}\n`);
  return 2;
}

async function main(argv: string[]): Promise<number> {
  let parsed: { values: { runs?: string | undefined }; positionals: string[] };
  try {
    parsed = parseArgs({ args: argv, options: { runs: { type: 'string' } }, allowPositionals: true });
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
  const [name, ...rest] = parsed.positionals;
  if (name === undefined) return usage('which bench?');
  const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
  if (bench === undefined) return usage(`there is no bench '${name}'`);
  if (rest.length > 0) return usage(`one bench at a time: '${rest.join(' ')}' is too much`);
  const runs = parsed.values.runs === undefined ? bench.defaultRuns : Number(parsed.values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > 1_000)
    return usage(`--runs takes a whole number from 1 to 1000, not '${parsed.values.runs}'`);
  return (await bench.run({ runs })) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
