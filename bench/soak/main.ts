/**
 * npm run soak -- failover [--minutes N] [--seed N] [--idle | --load].
 * Exit codes: 0 good, 1 something that must hold did not, 2 wrong usage, 3 something is missing on this machine.
 */
import { fileURLToPath } from 'node:url';
import { NinesError } from '../../packages/nines/src/errors/errors.ts';
import { processStat } from '../../packages/nines/src/lab/processes.ts';
import { EXIT_ENVIRONMENT } from '../../scripts/setup/setup-error.mjs';
import { UsageError } from '../failover/options.ts';
import { soakCalmly } from './calm.ts';
import { soakWithFaults } from './campaign.ts';
import { LabGroup } from './group.ts';
import { SOAK_USAGE, type SoakOptions, soakOptions } from './options.ts';
import { makeTable } from './trial.ts';

const FILE = fileURLToPath(new URL('../results/soak-failover.runs.jsonl', import.meta.url));

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function soak(options: SoakOptions): Promise<boolean> {
  const stopped = new AbortController();
  const stop = () => stopped.abort(new Error('interrupted'));
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const stat = await processStat(process.pid);
  const group = await LabGroup.start(`soak-failover-${process.pid}-${stat?.startTimeTicks ?? 0}`, stopped.signal);
  try {
    await makeTable(group, stopped.signal);
    const around = { group, file: FILE, say, signal: stopped.signal };
    return options.mode === 'faults' ? await soakWithFaults(around, options) : await soakCalmly(around, options);
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    say('interrupted; what was done is kept, the same call goes on from here');
    return false;
  } finally {
    await group.stop();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function main(argv: string[]): Promise<number> {
  try {
    return (await soak(soakOptions(argv))) ? 0 : 1;
  } catch (error) {
    if (error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write(`${(error as Error).message}\n${SOAK_USAGE}\n`);
      return 2;
    }
    if (error instanceof NinesError && ['E_PERMISSION', 'E_ENGINE_MISSING'].includes(error.code)) {
      process.stderr.write(`${error.message}\n`);
      return EXIT_ENVIRONMENT;
    }
    throw error;
  }
}

process.exitCode = await main(process.argv.slice(2));
