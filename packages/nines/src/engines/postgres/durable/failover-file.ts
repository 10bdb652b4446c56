/** What must outlive this member's every crash: its promise and its taint. Outside PGDATA, so no copy of data replaces them. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NinesError } from '../../../errors/errors.ts';
import { replaceFile, syncDirectory } from '../../durable-file.ts';
import type { PostgresLayout } from '../layout.ts';
import type { Member } from '../member.ts';

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
    text = await readFile(layout.failoverFile, 'utf8');
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
 * On disk when it resolves, file and folder. Also when nothing changed: whoever wrote it may have died before its folder was
 * synced, and `replaceFile` leaves a file alone that is as wanted.
 */
export async function writeDurable({ layout }: Pick<Member, 'layout'>, { promise, taint }: Durable): Promise<void> {
  await replaceFile(layout.failoverFile, `${JSON.stringify({ promise, taint })}\n`, 0o600);
  await syncDirectory(dirname(layout.failoverFile));
}
