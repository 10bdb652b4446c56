import type { HostName } from '../../topology/topology.ts';
import { NinesError } from '../../errors/errors.ts';
import type { Fault, FaultProof, Lab, ProcessIdentity, WaitOptions } from '../lab.ts';
import { hostProcesses, isAlive, processStat, sendSignal, untilGone } from '../processes.ts';
import { identityOf, stopProcess } from './freeze.ts';
import { makeFault } from './ledger.ts';

const KILL_TIMEOUT_MS = 5_000;

/**
 * kill -9 of one process of a host.
 * @param pid as seen on the host
 * @returns a fault whose undo does nothing: what is dead is started again by whoever supervises it
 * @throws NinesError E_HOST_OFF, E_USAGE (no such process), E_LAB_COMMAND (it does not die)
 */
export async function killProcess(lab: Lab, hostName: HostName, pid: number, { signal }: WaitOptions): Promise<Fault> {
  signal.throwIfAborted();
  const process = await findProcess(lab, hostName, pid);
  await sendSignal(process, 'SIGKILL');
  await untilGone([process], KILL_TIMEOUT_MS);
  return {
    id: `kill-${hostName}-${pid}`,
    undo: () => Promise.resolve(),
    proof: async () => {
      const inEffect = !(await isAlive(process));
      return { inEffect, packets: null, detail: `process ${pid} of ${hostName} ${inEffect ? 'is gone' : 'still runs'}` };
    },
  };
}

/**
 * Stops one process of a host where it stands; its sockets stay open. Undo: it goes on.
 * @param pid as seen on the host
 * @throws NinesError E_HOST_OFF, E_USAGE (no such process), E_INTERRUPTED
 */
export async function freezeProcess(lab: Lab, hostName: HostName, pid: number, options: WaitOptions): Promise<Fault> {
  const process = await findProcess(lab, hostName, pid);
  return await makeFault(
    lab,
    { kind: 'freeze-process', host: hostName, process },
    options.signal,
    () => stopProcess(process),
    () => proveStopped(process, `process ${pid} of ${hostName}`),
  );
}

/** 'T' in /proc/PID/stat: stopped by a signal. */
export async function proveStopped(identity: ProcessIdentity, what: string): Promise<FaultProof> {
  const stat = await processStat(identity.pid);
  const state = stat?.startTimeTicks === identity.startTimeTicks ? stat.state : 'gone';
  return { inEffect: state === 'T', packets: null, detail: `${what} is in state ${state}` };
}

async function findProcess(lab: Lab, hostName: HostName, pid: number): Promise<ProcessIdentity> {
  const found = (await hostProcesses(lab, hostName)).find((process) => process.pid === pid);
  if (found === undefined) throw new NinesError('E_USAGE', `There is no process ${pid} on the host '${hostName}'.`);
  return identityOf(found);
}
