import type { HostName } from '../topology/topology.ts';
import type { Lab } from './lab.ts';
import { runningInit } from './processes.ts';
import { readRecord } from './record.ts';
import { type CommandResult, mustRun, runCommand, TOOL_ENVIRONMENT } from './run-command.ts';

export interface ExecOptions {
  signal: AbortSignal;
  timeoutMs: number;
  input?: string;
  /** Name of a user of the machine; root when left out. */
  user?: string;
  /** Added to a small environment: PATH and LC_ALL. */
  env?: Record<string, string>;
}

/**
 * The command that runs `argv` inside a host, for a caller that starts it itself (on a terminal).
 * @throws NinesError E_HOST_OFF, E_USAGE, E_LAB_NOT_FOUND
 */
export async function hostCommand(lab: Lab, hostName: HostName, argv: readonly string[], user?: string): Promise<string[]> {
  const init = await runningInit(await readRecord(lab.dir), hostName);
  const enter = ['nsenter', `--target=${init.pid}`, '--net', '--mount', '--ipc', '--uts', '--pid', '--'];
  const become = user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${await groupOf(user)}`, '--clear-groups', '--'];
  return [...enter, ...become, ...argv];
}

/**
 * Runs a command inside a host and gives back what it said, whatever its exit code.
 * @throws NinesError E_HOST_OFF, E_LAB_COMMAND (not finished within `timeoutMs`), E_INTERRUPTED
 */
export async function execOnHost(lab: Lab, hostName: HostName, argv: readonly string[], options: ExecOptions): Promise<CommandResult> {
  const { user, env, ...rest } = options;
  return await runCommand(await hostCommand(lab, hostName, argv, user), { ...rest, env: { ...TOOL_ENVIRONMENT, ...env } });
}

/** A user's own group need not have the user's name: nobody's is nogroup. */
async function groupOf(user: string): Promise<string> {
  return (await mustRun(['id', '-g', user], { signal: AbortSignal.timeout(5_000) })).trim();
}
