/** Files that engines write themselves (in `prepare`), so that a power loss leaves the old content or the new one. */
import { constants } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

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
 */
export async function replaceFile(path: string, content: string, mode: number): Promise<void> {
  const folder = dirname(path);
  const owner = await stat(folder);
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(temporary, flags, mode);
  try {
    await handle.chmod(mode);
    await handle.chown(owner.uid, owner.gid);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncDirectory(folder);
}
