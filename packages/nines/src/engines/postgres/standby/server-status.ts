/** What a postmaster writes of its own standing: read for next to nothing, while each question by a connection costs it a new process. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Of the lines of `postmaster.pid`: its pid, and its standing (`PM_STATUS`), padded with blanks. */
const PID_LINE = 0;
const STATUS_LINE = 7;

/** True once the server lets sessions in: a primary, or a standby that has become consistent. False while that is not known. */
export async function letsSessionsIn(dataDir: string, pid: number | null): Promise<boolean> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  return saysReady(text, pid);
}

export function saysReady(text: string, pid: number | null): boolean {
  const lines = text.split('\n');
  // Another life's file is there until the new postmaster has written its own.
  return lines[PID_LINE] === String(pid) && lines[STATUS_LINE]?.trim() === 'ready';
}
