/** What the command line asks for. */
import { parseArgs } from 'node:util';
import { UsageError } from '../failover/options.ts';

export interface SoakOptions {
  minutes: number;
  /** The same seed gives the same faults in the same order; a later call with it goes on behind the last one. */
  seed: number;
  /** `faults`: random ones; `idle` and `load`: none, and every election is a false one. */
  mode: 'faults' | 'idle' | 'load';
}

export const SOAK_USAGE = [
  'usage: npm run soak -- failover [--minutes N] [--seed N] [--idle | --load]',
  '  random faults under writes for N minutes (10); the same seed goes on where it stopped',
  '  --idle, --load: no faults, without writers or with as many writes as the machine takes; counts elections, all of them false',
].join('\n');

const MINUTES = 10;

/** @throws UsageError */
export function soakOptions(argv: readonly string[]): SoakOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, idle: { type: 'boolean' }, load: { type: 'boolean' } },
  });
  if (positionals.length !== 1 || positionals[0] !== 'failover') throw new UsageError("what is soaked comes first: 'failover'");
  if (values.idle === true && values.load === true) throw new UsageError('--idle or --load, not both');
  const minutes = numberOf('--minutes', values.minutes, MINUTES);
  if (minutes <= 0) throw new UsageError('--minutes takes more than 0');
  const seed = numberOf('--seed', values.seed, 1);
  if (!Number.isInteger(seed)) throw new UsageError('--seed takes a whole number');
  return { minutes, seed, mode: values.idle === true ? 'idle' : values.load === true ? 'load' : 'faults' };
}

function numberOf(option: string, given: string | undefined, absent: number): number {
  if (given === undefined) return absent;
  const value = Number(given);
  if (given.trim() === '' || !Number.isFinite(value)) throw new UsageError(`${option} takes a number, not '${given}'`);
  return value;
}
