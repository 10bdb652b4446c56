/** Logs of units: rotation by copy and truncate (the processes keep their descriptor, opened for append), and tails. */
import { closeSync, copyFileSync, fstatSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

export const LOG_LIMITS = { maxBytes: 16 * 1024 * 1024, keep: 3 } as const;

/**
 * Rotates every log above the limit. Lines written between the copy and the cut are lost; all others are kept, except on
 * a full disk: there the copy fails, and the log is cut all the same, because the databases need the room more.
 */
export function rotateLogs(logDir: string, limits: { maxBytes: number; keep: number } = LOG_LIMITS, copy = copyFileSync): string[] {
  const rotated: string[] = [];
  for (const name of readdirSync(logDir)) {
    if (!name.endsWith('.log')) continue;
    const file = join(logDir, name);
    if (statSync(file).size <= limits.maxBytes) continue;
    for (let age = limits.keep - 1; age >= 1; age -= 1) moveIfThere(`${file}.${age}`, `${file}.${age + 1}`);
    try {
      copy(file, `${file}.1`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
      rmSync(`${file}.1`, { force: true });
    }
    truncateSync(file, 0);
    rotated.push(name);
  }
  return rotated;
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** The last lines of a log, at most 256 KiB of it; empty when there is none. */
export function tailLog(file: string, lines: number): string {
  const limitBytes = 256 * 1024;
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, limitBytes));
    const read = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    const all = buffer.subarray(0, read).toString('utf8').split('\n');
    if (all.at(-1) === '') all.pop();
    return all.slice(-lines).join('\n');
  } finally {
    closeSync(descriptor);
  }
}
