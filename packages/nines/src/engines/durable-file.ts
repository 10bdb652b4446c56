/** Files that engines write themselves (in `prepare`), so that a power loss leaves the old content or the new one. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Makes renames and new names inside a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes or replaces a file, owned by the owner of its folder. The folder belongs to an unprivileged user and the
 * writer is root: the new file is made exclusively (a link planted at the path is never followed) and then renamed.
 * One that is there as wanted is left alone: a restart then waits for no disk, and works while the disk is full.
 */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  if (await putFile(path, content, mode)) await syncDirectory(dirname(path));
}

/**
 * The same for a small file in memory (`runDir`) that is written anew before anybody reads it after a restart of the host: nothing
 * waits for a disk, and so for no other thread either. A reader sees the old content or the new one.
 */
export function replaceVolatileFile(path: string, content: string, mode: number): void {
  const { uid, gid } = statSync(dirname(path));
  if (isPresent(path, content, { mode, uid, gid })) return;
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, NEW_FILE, mode);
  try {
    fchmodSync(file, mode);
    fchownSync(file, uid, gid);
    writeFileSync(file, content);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

function isPresent(path: string, content: string, { mode, uid, gid }: { mode: number; uid: number; gid: number }): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isFile() || (found.mode & 0o7777) !== mode || found.uid !== uid || found.gid !== gid) return false;
  return readFileSync(path, 'utf8') === content;
}

/** @returns whether anything had to be written. */
async function putFile(path: string, content: string, mode: number): Promise<boolean> {
  const folder = dirname(path);
  const owner = await stat(folder);
  if (await isThere(path, content, { mode, uid: owner.uid, gid: owner.gid })) return false;
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, NEW_FILE, mode);
  try {
    await handle.chmod(mode);
    await handle.chown(owner.uid, owner.gid);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  return true;
}

async function isThere(path: string, content: string, wanted: { mode: number; uid: number; gid: number }): Promise<boolean> {
  try {
    const found = await lstat(path);
    if (!found.isFile() || (found.mode & 0o7777) !== wanted.mode || found.uid !== wanted.uid || found.gid !== wanted.gid) return false;
    return (await readFile(path, 'utf8')) === content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
