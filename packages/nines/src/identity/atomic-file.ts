import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface AtomicFileOptions {
  mode: number;
  /** Owner; the process's own when absent. */
  owner?: { uid: number; gid: number };
}

/**
 * Replace a file as a whole: a reader, or a host that loses power, sees the old content or the new one, never a part.
 * Mode and owner are set before the content is written, so a key is never readable by others, not for a moment.
 */
export async function writeFileAtomic(path: string, content: string, options: AtomicFileOptions): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      if (options.owner !== undefined) await file.chown(options.owner.uid, options.owner.gid);
      await file.writeFile(content);
      await file.chmod(options.mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Rename a finished file into place, on the same file system, so that it survives a power loss. */
export async function moveInto(from: string, to: string, mode: number): Promise<void> {
  await chmod(from, mode);
  await syncPath(from);
  await rename(from, to);
  await syncPath(dirname(to));
}

/**
 * Work in a private folder inside `dir`, so that results can be renamed into place; it is removed at the end.
 * Its name is fixed, so that what a killed process left there (it may hold a key) is removed by the next one.
 */
export async function inTemporaryFolder<T>(dir: string, purpose: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(dir, `.making-${purpose}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Like Promise.all, but nothing is still at work when it rejects. */
export async function allDone(works: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** A folder too: without it a power loss can take the new name back although the content was synced. */
async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The content, or null when the file does not exist. */
export async function readFileIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
