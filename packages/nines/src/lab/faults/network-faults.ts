import type { CutOptions, Fault, FaultProof, Lab, LabEndpoint, LabFault, LatencyOptions, WaitOptions } from '../lab.ts';
import { NinesError } from '../../errors/errors.ts';
import { isAlive } from '../processes.ts';
import { readRecord, updateRecord } from '../record.ts';
import { applyNetworkFaults, countedPackets } from './apply-network-faults.ts';
import { isEntered, makeFault, undoSignal } from './ledger.ts';

/**
 * Drops packets between two sets of hosts (or MACHINE) in the fabric, silently: nobody is told, links stay up.
 * Packets among hosts of one set are not touched; addresses that move, as the gateway's, are cut where they are.
 * @throws NinesError E_USAGE (no such host, no such port), E_LAB_COMMAND, E_INTERRUPTED
 */
export async function cut(lab: Lab, options: Partial<CutOptions> & Ends, { signal }: WaitOptions): Promise<Fault> {
  const { from, to, direction = 'both', port = null, protocol = null } = options;
  checkEnds(from, to);
  if (port !== null && !(Number.isInteger(port) && port > 0 && port < 65536)) {
    throw new NinesError('E_USAGE', `${port} is no port: 1 to 65535 are.`);
  }
  const fault = { kind: 'cut' as const, from, to, direction, port, protocol };
  return await makeFault(
    lab,
    fault,
    signal,
    () => apply(lab, signal),
    (entered) => prove(lab, entered),
  );
}

/**
 * Adds `ms` to the way of every packet between two sets of hosts (or MACHINE). Nothing changes inside the hosts, and
 * connections stay. ARP and other broadcasts are not delayed. About 30 MB/s pass between all
 * delayed pairs together.
 * @throws NinesError E_USAGE (no such host, no such delay), E_START_TIMEOUT, E_LAB_COMMAND, E_INTERRUPTED
 */
export async function latency(lab: Lab, options: Partial<LatencyOptions> & Ends & { ms: number }, { signal }: WaitOptions): Promise<Fault> {
  const { from, to, direction = 'both', ms } = options;
  checkEnds(from, to);
  if (!(ms > 0 && ms <= 60_000)) throw new NinesError('E_USAGE', `A latency of ${ms} ms: more than 0, at most 60000.`);
  const fault = { kind: 'latency' as const, from, to, direction, ms };
  return await makeFault(
    lab,
    fault,
    signal,
    () => apply(lab, signal),
    (entered) => prove(lab, entered),
  );
}

interface Ends {
  from: LabEndpoint[];
  to: LabEndpoint[];
}

function checkEnds(from: readonly LabEndpoint[], to: readonly LabEndpoint[]): void {
  const both = from.find((endpoint) => to.includes(endpoint));
  if (from.length === 0 || to.length === 0) throw new NinesError('E_USAGE', 'A fault of the network needs hosts on both sides.');
  if (both !== undefined) throw new NinesError('E_USAGE', `'${both}' is on both sides of the fault.`);
}

async function apply(lab: Lab, signal: AbortSignal): Promise<void> {
  await updateRecord(lab.dir, signal, (current) => applyNetworkFaults(current, signal));
}

async function prove(lab: Lab, fault: LabFault): Promise<FaultProof> {
  if (fault.kind !== 'cut' && fault.kind !== 'latency') throw new TypeError(`'${fault.kind}' is no fault of the network.`);
  const packets = await countedPackets(lab, fault, undoSignal());
  const entered = await isEntered(lab.dir, fault.id);
  const relayed = fault.kind === 'cut' || (await isAlive((await readRecord(lab.dir)).relay));
  const verb = fault.kind === 'cut' ? 'dropped' : `delayed by ${fault.ms} ms`;
  const ends = `between ${fault.from.join(', ')} and ${fault.to.join(', ')}`;
  return { inEffect: entered && relayed, packets, detail: `${packets} packets ${verb} ${ends}` };
}
