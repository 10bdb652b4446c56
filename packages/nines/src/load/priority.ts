/** What measures goes before what is measured. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * For the process, and for its session if it leads one: Linux shares the processor among sessions first (autogroups, sched(7)), and a
 * process' own niceness then counts among the members of its session alone. Under systemd, which has groups of its own, the process'
 * niceness counts. Without the right to it (a container, a test) nothing happens. A session that others lead, such as a user's shell,
 * stays as it is.
 * @param pid 0: this process
 * @param niceness -20 first, 19 last
 */
export function setNiceness(pid: number, niceness: number): void {
  const folder = `/proc/${pid === 0 ? process.pid : pid}`;
  for (const act of [
    () => setPriority(pid, niceness),
    () => {
      if (leadsSession(folder)) writeFileSync(`${folder}/autogroup`, String(niceness));
    },
  ]) {
    try {
      act();
    } catch {
      // No right to it, no such kernel, or it ended already.
    }
  }
}

function leadsSession(folder: string): boolean {
  const stat = readFileSync(`${folder}/stat`, 'utf8');
  // After the name, which may hold spaces: state, parent, group, session.
  const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
  return folder === `/proc/${session}`;
}
