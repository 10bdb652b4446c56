/** Processes by pid and start time: a pid alone may have been given to another process since it was written down. */
import { readFileSync } from 'node:fs';

export interface ProcessId {
  pid: number;
  /** Clock ticks after boot (field 22 of /proc/PID/stat). */
  startTimeTicks: number;
}

/** Start time and state of a process; null when there is none, or only its zombie. */
export function readProcess(pid: number): ProcessId | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  // The command name stands in parentheses and may hold spaces and parentheses itself: count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return { pid, startTimeTicks: Number(fields[19]) };
}

export function isAlive(id: ProcessId): boolean {
  return readProcess(id.pid)?.startTimeTicks === id.startTimeTicks;
}

/** Sends the signal if it is still the same process; false when it is gone. */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false;
  try {
    process.kill(id.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Sends the signal to every process of the session that the unit leads; children that outlived the leader included. */
export function signalSession(leaderPid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leaderPid, signal);
  } catch {
    // Nobody is left in that process group.
  }
}
