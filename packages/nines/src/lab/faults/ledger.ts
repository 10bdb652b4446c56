/** Turning a fault on and off: in the record first, so that another process can undo it, then on the machine. */
import type { HostName } from '../../topology/topology.ts';
import { withHostLock } from '../lock.ts';
import { type CutOptions, type Fault, type FaultProof, type Lab, type LabFault, type LatencyOptions, MACHINE } from '../lab.ts';
import { isAlive, sendSignal } from '../processes.ts';
import { powerCycle } from '../power.ts';
import { findRecord, hostOf, readRecord, updateRecord, withoutFault } from '../record.ts';
import { applyNetworkFaults } from './apply-network-faults.ts';
import { wakeEveryProcess } from './freeze.ts';

/** An undo has to come through even when what asked for the fault was interrupted; this is its deadline. */
const UNDO_TIMEOUT_MS = 30_000;

export type NewFault =
  | ({ kind: 'cut' } & CutOptions)
  | ({ kind: 'latency' } & LatencyOptions)
  | { kind: 'freeze-process'; host: HostName; process: { pid: number; startTimeTicks: number } }
  | { kind: 'freeze-host'; host: HostName; init: { pid: number; startTimeTicks: number } }
  | { kind: 'host-off'; host: HostName; powerLoss: boolean };

/**
 * Enters a fault and makes it. When it cannot be made, it is undone before the error is thrown.
 * @param prove looks from outside whether it is in effect
 */
export async function makeFault(
  lab: Lab,
  fault: NewFault,
  signal: AbortSignal,
  make: () => Promise<unknown>,
  prove: (fault: LabFault) => Promise<FaultProof>,
): Promise<Fault> {
  const entered = await updateRecord(lab.dir, signal, (current) => enter(current, fault));
  const made = entered.faults.at(-1) as LabFault;
  const undo = () => undoFault(lab.dir, made.id, undoSignal());
  try {
    await make();
  } catch (error) {
    await undo();
    throw error;
  }
  return { id: made.id, undo, proof: () => prove(made) };
}

/**
 * Undoes every fault that is on, the newest first: what was frozen or switched off while cut off comes back whole.
 * @throws NinesError E_LAB_NOT_FOUND, E_LAB_COMMAND, E_START_TIMEOUT, E_INTERRUPTED
 */
export async function undoAll(lab: Lab, options: { signal: AbortSignal }): Promise<void> {
  for (const { id } of (await readRecord(lab.dir)).faults.reverse()) {
    await undoFault(lab.dir, id, options.signal);
  }
}

/** Undoes one fault by its id; does nothing when it is off already, or the lab is gone. */
export async function undoFault(dir: string, id: string, signal: AbortSignal): Promise<void> {
  const lab = await findRecord(dir);
  const fault = lab?.faults.find((candidate) => candidate.id === id);
  if (lab === null || fault === undefined) return;
  switch (fault.kind) {
    case 'cut':
    case 'latency':
      await updateRecord(dir, signal, (current) => applyNetworkFaults(withoutFault(current, id), signal));
      return;
    case 'freeze-process':
      await updateRecord(dir, signal, async (current) => {
        const hostIsFrozen = current.faults.some((other) => other.kind === 'freeze-host' && other.host === fault.host);
        if (!hostIsFrozen) await sendSignal(fault.process, 'SIGCONT');
        return withoutFault(current, id);
      });
      return;
    case 'freeze-host':
      await updateRecord(dir, signal, (current) => thaw(withoutFault(current, id), fault.host));
      return;
    case 'host-off':
      await withHostLock(dir, fault.host, signal, async () => {
        const stillOff = (await readRecord(dir)).faults.some((other) => other.id === id);
        if (stillOff) await powerCycle(dir, fault.host, signal);
      });
  }
}

/** Whether a fault is still in the record. */
export async function isEntered(dir: string, id: string): Promise<boolean> {
  return (await findRecord(dir))?.faults.some((fault) => fault.id === id) ?? false;
}

export function undoSignal(): AbortSignal {
  return AbortSignal.timeout(UNDO_TIMEOUT_MS);
}

function enter(lab: Lab, fault: NewFault): Lab {
  if ('from' in fault) {
    for (const endpoint of [...fault.from, ...fault.to]) if (endpoint !== MACHINE) hostOf(lab, endpoint);
  } else {
    hostOf(lab, fault.host);
  }
  const faultCount = lab.faultCount + 1;
  return { ...lab, faultCount, faults: [...lab.faults, { id: `f${faultCount}`, ...fault }] };
}

async function thaw(lab: Lab, hostName: HostName): Promise<Lab> {
  const others = lab.faults.filter((fault) => 'host' in fault && fault.host === hostName);
  const stillFrozen = others.some((fault) => fault.kind === 'freeze-host');
  if (stillFrozen || !(await isAlive(hostOf(lab, hostName).init))) return lab;
  const frozenAlone = others.filter((fault) => fault.kind === 'freeze-process').map((fault) => fault.process);
  await wakeEveryProcess(lab, hostName, frozenAlone);
  return lab;
}
