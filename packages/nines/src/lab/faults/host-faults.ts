import type { HostName } from '../../topology/topology.ts';
import type { Fault, FaultProof, Lab, WaitOptions } from '../lab.ts';
import { withHostLock } from '../lock.ts';
import { powerCycle, stopHost } from '../power.ts';
import { hostProcesses, isAlive, runningInit } from '../processes.ts';
import { hostOf, readRecord } from '../record.ts';
import { isStopped, stopEveryProcess } from './freeze.ts';
import { makeFault } from './ledger.ts';

/**
 * Every process of a host dies at once and its network falls silent; what was written stays, synced or not.
 * Undo: it boots as before.
 * @throws NinesError E_HOST_OFF, E_LAB_COMMAND, E_INTERRUPTED
 */
export async function killHost(lab: Lab, hostName: HostName, options: WaitOptions): Promise<Fault> {
  return await switchOff(lab, hostName, false, options.signal);
}

/**
 * As `killHost`, but what was not synced to the disk is lost.
 * @throws NinesError E_HOST_OFF, E_LAB_COMMAND, E_INTERRUPTED
 */
export async function powerLoss(lab: Lab, hostName: HostName, options: WaitOptions): Promise<Fault> {
  return await switchOff(lab, hostName, true, options.signal);
}

/**
 * Off (unless it is) and on again, as it was booted last.
 * @throws NinesError E_USAGE (it was never booted), E_START_TIMEOUT, E_LAB_COMMAND, E_INTERRUPTED
 */
export async function restartHost(lab: Lab, hostName: HostName, options: WaitOptions): Promise<Lab> {
  return await withHostLock(lab.dir, hostName, options.signal, () => powerCycle(lab.dir, hostName, options.signal));
}

/**
 * Every process of a host stops where it stands; its kernel still answers the network, as a starved machine does.
 * Undo: all go on, except those frozen each for itself.
 * @throws NinesError E_HOST_OFF, E_LAB_COMMAND (one cannot be stopped), E_INTERRUPTED
 */
export async function freezeHost(lab: Lab, hostName: HostName, options: WaitOptions): Promise<Fault> {
  const init = await runningInit(await readRecord(lab.dir), hostName);
  return await makeFault(
    lab,
    { kind: 'freeze-host', host: hostName, init },
    options.signal,
    () => stopEveryProcess(lab, hostName),
    () => proveFrozen(lab, hostName),
  );
}

async function switchOff(lab: Lab, hostName: HostName, losePower: boolean, signal: AbortSignal): Promise<Fault> {
  await runningInit(await readRecord(lab.dir), hostName);
  const stop = () => stopHost(lab.dir, hostName, losePower ? 'lost' : 'kept', signal);
  return await makeFault(
    lab,
    { kind: 'host-off', host: hostName, powerLoss: losePower },
    signal,
    () => withHostLock(lab.dir, hostName, signal, stop),
    () => proveOff(lab, hostName),
  );
}

async function proveOff(lab: Lab, hostName: HostName): Promise<FaultProof> {
  const inEffect = !(await isAlive(hostOf(await readRecord(lab.dir), hostName).init));
  return { inEffect, packets: null, detail: `${hostName} is ${inEffect ? 'off' : 'on'}` };
}

async function proveFrozen(lab: Lab, hostName: HostName): Promise<FaultProof> {
  const processes = await hostProcesses(lab, hostName);
  const running = processes.filter(({ state }) => !isStopped(state)).length;
  const detail = `${running} of ${processes.length} processes of ${hostName} can run`;
  return { inEffect: running === 0, packets: null, detail };
}
