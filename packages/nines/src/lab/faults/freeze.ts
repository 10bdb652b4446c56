/** Stopping and waking processes from outside. The signals cannot be caught, and reach a host's first process too. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostName } from '../../topology/topology.ts';
import { NinesError } from '../../errors/errors.ts';
import type { Lab, ProcessIdentity } from '../lab.ts';
import { type HostProcess, hostProcesses, processStat, sendSignal } from '../processes.ts';

const STOP_TIMEOUT_MS = 5_000;

/** Stops one process and waits until it stands: on a busy machine the signal takes its time. */
export async function stopProcess(identity: ProcessIdentity): Promise<void> {
  await sendSignal(identity, 'SIGSTOP');
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
  for (;;) {
    const stat = await processStat(identity.pid);
    if (stat === null || stat.startTimeTicks !== identity.startTimeTicks || isStopped(stat.state)) return;
    if (performance.now() > deadlineMs)
      throw new NinesError('E_LAB_COMMAND', `Process ${identity.pid} did not stop: it waits for its disk.`);
    await sleep(2);
  }
}

/** Stops a whole host, the first process first: it would start the agent again. Rounds: a process may fork meanwhile. */
export async function stopEveryProcess(lab: Lab, hostName: HostName): Promise<void> {
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
  for (;;) {
    const running = (await hostProcesses(lab, hostName)).filter(({ state }) => !isStopped(state));
    if (running.length === 0) return;
    if (performance.now() > deadlineMs) throw new NinesError('E_LAB_COMMAND', `The host '${hostName}' did not come to a stop.`);
    for (const process of running) await stopProcess(identityOf(process));
  }
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
