/** What must outlive this member's every crash: its promise and its taint. Outside PGDATA, so no copy of data replaces them. */
import { constants, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NinesError } from '../../../errors/errors.ts';
import { replaceFile, syncDirectory } from '../../durable-file.ts';
import type { PostgresLayout } from '../layout.ts';
import type { Member } from '../member.ts';

/** Of a disk. */
const BLOCK_BYTES = 512;

export interface Durable {
  /** Greatest epoch that was promised; 0: none. */
  promise: number;
  /** Term that this member was promoted to without having been seen to anchor it; 0: none. */
  taint: number;
}

/** Of a member that never had data. */
export const NOTHING_PROMISED: Durable = { promise: 0, taint: 0 };

/**
 * @throws NinesError E_PROMISE_LOST when the file is unreadable, malformed or absent: none of it means that nothing was promised.
 * Whoever makes the first data of a member writes the file before the data is in its place.
 */
export async function readDurable({ layout }: { layout: PostgresLayout }): Promise<Durable> {
  const durable = await readDurableIfThere(layout);
  if (durable === null) throw new NinesError('E_PROMISE_LOST', `${layout.failoverFile} is not there, but this member has data`);
  return durable;
}

/** Null when there is no such file; the other errors as above. */
export async function readDurableIfThere(layout: PostgresLayout): Promise<Durable | null> {
  let text: string;
  try {
    // Small, and in memory after the first time: no other thread need be waited for, of a busy machine.
    text = readFileSync(layout.failoverFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new NinesError('E_PROMISE_LOST', `${layout.failoverFile} cannot be read: ${String(error)}`, { cause: error });
  }
  const durable = parseDurable(text);
  if (durable === null) throw new NinesError('E_PROMISE_LOST', `${layout.failoverFile} is damaged`);
  return durable;
}

/** Null for everything that this module did not write. Pure. */
export function parseDurable(text: string): Durable | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { promise, taint } = (value ?? {}) as Partial<Record<keyof Durable, unknown>>;
  const isCount = (field: unknown): field is number => typeof field === 'number' && Number.isSafeInteger(field) && field >= 0;
  return isCount(promise) && isCount(taint) ? { promise, taint } : null;
}

/**
 * On disk when it resolves, file and folder. Written over in place: no name changes, so one flush of one block is all that a
 * promise waits for (1 ms where a new file with its folder takes 12). A block of this size is written whole or not at all: what
 * PostgreSQL rests pg_control on, which stands beside it. Also when nothing changed: whoever wrote it may have died before the flush.
 */
export async function writeDurable({ layout }: Pick<Member, 'layout'>, { promise, taint }: Durable): Promise<void> {
  const content = `${JSON.stringify({ promise, taint }).padEnd(BLOCK_BYTES - 1)}\n`;
  if (await writeInPlace(layout.failoverFile, content)) return;
  await replaceFile(layout.failoverFile, content, 0o600);
  await syncDirectory(dirname(layout.failoverFile));
}

/** False, and nothing was written: there is no such file, or it is not one that this module made. */
async function writeInPlace(path: string, content: string): Promise<boolean> {
  const handle = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_DSYNC).catch(() => null);
  if (handle === null) return false;
  try {
    const found = await handle.stat();
    // The folder is an unprivileged user's: a name planted there may lead to another file.
    if (!found.isFile() || found.nlink !== 1 || found.size !== BLOCK_BYTES) return false;
    const { bytesWritten } = await handle.write(content, 0);
    if (bytesWritten !== BLOCK_BYTES) throw new NinesError('E_PROMISE_LOST', `only ${bytesWritten} bytes of ${path} were written`);
    return true;
  } finally {
    await handle.close();
  }
}
