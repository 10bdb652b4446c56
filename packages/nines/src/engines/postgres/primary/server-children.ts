/** What the postmaster's processes say of themselves, without asking the server. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ServerChild {
  pid: number;
  /** As in `ps`: `postgres: GROUP/MEMBER: USER DATABASE ...`. The postmaster's own command line until it has read its client's first message. */
  title: string;
}

export function serverChildren(postmasterPid: number): ServerChild[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === postmasterPid)
    .map((entry) => ({ pid: Number(entry), title: readIfThere(`/proc/${entry}/cmdline`).replaceAll('\0', ' ').trim() }))
    .filter(({ title }) => title !== '');
}

/** False for one that has ended, also while its parent has not been told. */
export function isRunning(pid: number): boolean {
  const text = readIfThere(`/proc/${pid}/stat`);
  return text !== '' && !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2));
}

function parentOf(pid: string): number | null {
  const text = readIfThere(`/proc/${pid}/stat`);
  // The command name stands in parentheses and may hold spaces and parentheses itself: count from the last one.
  const parent = text.slice(text.lastIndexOf(')') + 2).split(' ')[1];
  return parent === undefined ? null : Number(parent);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It ended in the meantime.
  }
}
