import { join } from 'node:path';
import { portNames } from '../fabric.ts';
import type { Lab } from '../lab.ts';
import { NETNS_FOLDER } from '../machine.ts';
import { mustRun } from '../run-command.ts';
import { counterNames, relayDelays, renderFaultRules, RULE_TABLE } from './fault-rules.ts';
import { runRelay, stopRelay } from './relay.ts';

/**
 * Makes the fabric do what the record's faults say: relay first, then all rules in one step.
 * Gives back the record with the relay in it. Needs the lab's lock.
 * @throws NinesError E_LAB_COMMAND, E_START_TIMEOUT, E_INTERRUPTED
 */
export async function applyNetworkFaults(lab: Lab, signal: AbortSignal): Promise<Lab> {
  // Never a fault: no rules were ever made.
  if (lab.faultCount === 0) return lab;
  const delays = relayDelays(lab);
  const delayed = Object.keys(delays).length > 0;
  const relay = delayed ? await runRelay(lab, delays, signal) : lab.relay;
  const input = renderFaultRules(lab, await portNames(lab, { signal }));
  await mustRun(['nsenter', `--net=${join(NETNS_FOLDER, lab.fabricNetns)}`, 'nft', '-f', '-'], { signal, input });
  // Only now: until the rules are gone, frames still come to it.
  if (!delayed) await stopRelay(lab);
  return { ...lab, relay };
}

/** Packets that a fault has dropped or delayed so far. */
export async function countedPackets(lab: Lab, fault: Parameters<typeof counterNames>[0], signal: AbortSignal): Promise<number> {
  const argv = ['nsenter', `--net=${join(NETNS_FOLDER, lab.fabricNetns)}`, 'nft', '-j', 'list', 'counters', 'table', 'bridge', RULE_TABLE];
  const listing = JSON.parse(await mustRun(argv, { signal })) as {
    nftables: { counter?: { name: string; packets: number } }[];
  };
  const names = counterNames(fault);
  return listing.nftables
    .filter(({ counter }) => counter !== undefined && names.includes(counter.name))
    .reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
}
