/** Stopping and waking processes from outside. The signals cannot be caught, and reach a host's first process too. */
import type { HostName } from '../../topology/topology.ts';
import { NinesError } from '../../errors/errors.ts';
import type { Lab, ProcessIdentity } from '../lab.ts';
import { type HostProcess, hostProcesses, sendSignal } from '../processes.ts';

const MOST_ROUNDS = 50;

/** Stops a whole host, the first process first: it would start the agent again. Rounds: a process may fork meanwhile. */
export async function stopEveryProcess(lab: Lab, hostName: HostName): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const running = (await hostProcesses(lab, hostName)).filter(({ state }) => !isStopped(state));
    if (running.length === 0) return;
    for (const process of running) await sendSignal(identityOf(process), 'SIGSTOP');
  }
  throw new NinesError('E_LAB_COMMAND', `The host '${hostName}' did not come to a stop: a process of it waits for its disk.`);
}

/** Wakes a host, except the processes that are frozen each for itself. */
export async function wakeEveryProcess(lab: Lab, hostName: HostName, except: readonly ProcessIdentity[]): Promise<void> {
  for (const process of (await hostProcesses(lab, hostName)).reverse()) {
    if (process.state !== 'T' || except.some(({ pid }) => pid === process.hostPid)) continue;
    await sendSignal(identityOf(process), 'SIGCONT');
  }
}

export function isStopped(state: string): boolean {
  return state === 'T' || state === 't' || state === 'Z';
}

export function identityOf(process: HostProcess): ProcessIdentity {
  return { pid: process.hostPid, startTimeTicks: process.startTimeTicks };
}
