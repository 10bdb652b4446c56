/**
 * The two things that all labs of a machine share: the folder /var/lib/nines, on which each host mounts its own disk,
 * and the mount on /run/netns that iproute2 makes with the first named namespace. The last lab takes them away again,
 * but only what a lab made. Both functions need the machine's lock.
 */
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { NETNS_FOLDER, namespaceNames } from './machine.ts';
import { type CommandOptions, mustRun } from './run-command.ts';

export const DATA_FOLDER = '/var/lib/nines';
const FABRIC_NAME = /^nines-[0-9a-z]{4}-fabric$/;
const MARKER = '.made-by-a-lab';

interface Marker {
  netnsMount: boolean;
}

export async function claimFootprint(): Promise<void> {
  const netnsMount = !(await isMounted(NETNS_FOLDER));
  const made = await mkdir(DATA_FOLDER, { recursive: true, mode: 0o755 });
  if (made === undefined) return;
  const marker: Marker = { netnsMount };
  await writeFile(join(DATA_FOLDER, MARKER), JSON.stringify(marker));
}

/** @param labsDir goes too when it is empty and lies in the shared folder */
export async function releaseFootprint(labsDir: string, options: CommandOptions): Promise<void> {
  const names = await namespaceNames();
  // Removing a folder also detaches what another lab's hosts have mounted on it.
  if (names.some((name) => FABRIC_NAME.test(name))) return;
  const marker = await readMarker();
  if (marker === null) return;
  if (marker.netnsMount && names.length === 0 && (await isMounted(NETNS_FOLDER))) {
    await mustRun(['umount', NETNS_FOLDER], options);
    await rmdir(NETNS_FOLDER);
  }
  if (resolve(labsDir).startsWith(`${DATA_FOLDER}/`)) await removeIfEmpty(resolve(labsDir));
  if ((await readdir(DATA_FOLDER)).some((name) => name !== MARKER)) return;
  await rm(DATA_FOLDER, { recursive: true });
}

export async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ENOTEMPTY') throw error;
  }
}

async function readMarker(): Promise<Marker | null> {
  try {
    return JSON.parse(await readFile(join(DATA_FOLDER, MARKER), 'utf8')) as Marker;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function isMounted(path: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').some((line) => line.split(' ')[4] === path);
}
