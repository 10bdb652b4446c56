import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Command } from 'commander';
import { Cluster } from '../operations/cluster.ts';
import { toolCall } from '../operations/tools.ts';
import { chosenLab, configOption, labOption, type LabOptions } from './options.ts';

interface ExecCommandOptions extends LabOptions {
  group?: string;
  user?: string;
  replica?: boolean;
}

export function execCommand(signal: AbortSignal): Command {
  return new Command('exec')
    .description('psql at the primary, redis-cli at the master, etcdctl, or any command on a host (nines exec a1 -- ip address)')
    .argument('<tool-or-host>', 'psql, redis-cli, etcdctl, or the name of a host')
    .argument('[words...]', 'arguments of the tool, or the command to run on the host')
    .addOption(labOption())
    .addOption(configOption())
    .option('--group <name>', 'before the tool: the PostgreSQL or Redis group; default: the first')
    .option('--user <name>', "before the tool: role or user to connect as; default: 'app'")
    .option('--replica', 'before the tool: psql at the standby that is least behind')
    .passThroughOptions()
    .action(async (first: string, words: string[], options: ExecCommandOptions) => {
      const cluster = await Cluster.open(await chosenLab(options));
      try {
        const { argv, env } = await toolCall(cluster, [first, ...(words[0] === '--' ? words.slice(1) : words)], { ...options, signal });
        process.exitCode = await runAttached(argv, env, signal);
      } finally {
        cluster.close();
      }
    });
}

/** With our terminal; its exit code becomes ours (128 + signal as shells say it). */
async function runAttached(argv: string[], env: Record<string, string>, signal: AbortSignal): Promise<number> {
  const [file = '', ...args] = argv;
  // Ctrl-C is for the tool: it shares our terminal and gets it itself, once or often.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...env } });
      const end = (): void => void (process.stdin.isTTY ? null : child.kill('SIGTERM'));
      signal.addEventListener('abort', end, { once: true });
      child.once('error', reject);
      child.once('close', (code, by) => resolve(code ?? 128 + (by === null ? 0 : constants.signals[by])));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
