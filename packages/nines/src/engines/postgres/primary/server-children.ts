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
    .map((entry) => ({ pid: Number(entry), title: titleOf(Number(entry)) }))
    .filter(({ title }) => title !== '');
}

/** The one that replays, and starts receivers; its title says the segment. Undefined: there is none now. */
export function startupProcess(postmasterPid: number): ServerChild | undefined {
  return serverChildren(postmasterPid).find(isStartup);
}

export function isStartup({ title }: Pick<ServerChild, 'title'>): boolean {
  return /^postgres: \S+: startup\b/.test(title);
}

/** Empty when it has ended, also while its parent has not been told. */
export function titleOf(pid: number): string {
  return readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** False when it has ended. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
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
