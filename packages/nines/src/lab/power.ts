/** Off, on, off and on again. */
import { bootLocked } from './boot.ts';
import { loseUnsyncedWrites, releaseDisk } from './disk.ts';
import { removeHostNetwork, silenceHost } from './fabric.ts';
import type { HostName } from '../topology/topology.ts';
import { NinesError } from '../errors/errors.ts';
import type { Lab } from './lab.ts';
import { namespaceInodes } from './machine.ts';
import { isAlive, processesIn, sendSignal, untilGone } from './processes.ts';
import { hostOf, readRecord, updateRecord, withHost } from './record.ts';

const STOP_TIMEOUT_MS = 10_000;

/**
 * Ends every process of a host at once, the network first: nobody hears of it. Needs the host's lock.
 * @param unsynced 'lost' as when power goes, 'kept' as when only the processes die
 * @throws NinesError E_LAB_COMMAND, E_INTERRUPTED
 */
export async function stopHost(dir: string, name: HostName, unsynced: 'lost' | 'kept', signal: AbortSignal): Promise<Lab> {
  const lab = await readRecord(dir);
  const host = hostOf(lab, name);
  await silenceHost(lab, host, { signal });
  if (host.init !== null && (await isAlive(host.init))) {
    const members = await processesIn('net', await namespaceInodes([host.netns]));
    if (unsynced === 'lost') await loseUnsyncedWrites(host, host.init.pid, { signal });
    await sendSignal(host.init, 'SIGKILL');
    await untilGone([host.init, ...members], STOP_TIMEOUT_MS);
  }
  await releaseDisk(host, STOP_TIMEOUT_MS, { signal });
  await removeHostNetwork(lab, host, { signal });
  return await updateRecord(dir, signal, (current) => withHost(current, name, { init: null }));
}

/**
 * Boots a host as it was booted last; one that is on is stopped first, without a word. Needs the host's lock.
 * @throws NinesError E_USAGE (it was never booted), E_START_TIMEOUT, E_LAB_COMMAND, E_INTERRUPTED
 */
export async function powerCycle(dir: string, name: HostName, signal: AbortSignal): Promise<Lab> {
  const { boot } = hostOf(await readRecord(dir), name);
  if (boot === null) throw new NinesError('E_USAGE', `The host '${name}' was never booted.`);
  await stopHost(dir, name, 'kept', signal);
  return await bootLocked(dir, name, boot, signal);
}
