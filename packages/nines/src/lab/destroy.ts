import { rm } from 'node:fs/promises';
import { NinesError } from '../errors/errors.ts';
import { loseUnsyncedWrites, releaseDisk } from './disk.ts';
import { removeFabric } from './fabric.ts';
import { releaseFootprint, removeIfEmpty } from './footprint.ts';
import type { Lab, LabHost } from './lab.ts';
import { withLabLock, withMachineLock } from './lock.ts';
import { readBootId } from './machine.ts';
import { isAlive, sendSignal, untilGone } from './processes.ts';
import { findRecord, labFolder } from './record.ts';
import { labProcesses, resources } from './resources.ts';

const KILL_TIMEOUT_MS = 5_000;
const DISK_TIMEOUT_MS = 3_000;

export interface DestroyOptions {
  signal: AbortSignal;
  log: (line: string) => void;
}

/**
 * Removes everything of a lab, however far it came, from its record alone. Its data is lost.
 * @returns false when there was no such lab
 * @throws NinesError E_USAGE (no name of a lab), E_LAB_COMMAND (something is left; it is named), E_INTERRUPTED
 */
export async function destroyLab(labsDir: string, name: string, options: DestroyOptions): Promise<boolean> {
  const dir = labFolder(labsDir, name);
  return await withLabLock(dir, options.signal, async () => {
    const lab = await findRecord(dir);
    if (lab === null) {
      await removeFolderWithoutRecord(dir);
      return false;
    }
    if (lab.bootId === (await readBootId())) await takeDown(lab, options);
    await rm(dir, { recursive: true, force: true });
    await withMachineLock(options.signal, () => releaseFootprint(labsDir, options));
    options.log(`lab ${name}: gone`);
    return true;
  });
}

async function takeDown(lab: Lab, options: DestroyOptions): Promise<void> {
  const { signal } = options;
  await Promise.all(Object.values(lab.hosts).map((host) => forgetDisk(lab, host, options)));
  await killProcesses(lab);
  options.log(`lab ${lab.name}: processes stopped`);
  await Promise.all(Object.values(lab.hosts).map((host) => releaseDisk(host, DISK_TIMEOUT_MS, { signal })));
  await removeFabric(lab, { signal });
  const left = Object.entries(await resources(lab)).filter(([, found]) => found.length > 0);
  if (left.length > 0) {
    throw new NinesError('E_LAB_COMMAND', `Of the lab '${lab.name}' there is still: ${JSON.stringify(Object.fromEntries(left))}.`);
  }
}

/** A disk that is about to be deleted need not be written back: that takes seconds after a load. */
async function forgetDisk(lab: Lab, host: LabHost, { signal, log }: DestroyOptions): Promise<void> {
  if (host.init === null || !(await isAlive(host.init))) return;
  try {
    await loseUnsyncedWrites(host, host.init.pid, { signal });
  } catch (error) {
    log(`lab ${lab.name}: the disk of ${host.name} is written back first: ${(error as Error).message}`);
  }
}

/** Again, because a process may have been starting another one when it was killed. */
async function killProcesses(lab: Lab): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const processes = await labProcesses(lab);
    if (processes.length === 0) return;
    await Promise.all(processes.map((identity) => sendSignal(identity, 'SIGKILL')));
    await untilGone(processes, KILL_TIMEOUT_MS);
  }
}

/** A creation may have ended between the folder and its record. A folder that holds anything else is not ours. */
async function removeFolderWithoutRecord(dir: string): Promise<void> {
  await rm(`${dir}/lab.json.new`, { force: true });
  await removeIfEmpty(dir);
}
