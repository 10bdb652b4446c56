/** Processes of the machine and of one host, read from /proc. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { NinesError } from '../errors/errors.ts';
import type { HostName } from '../topology/topology.ts';
import type { Lab, ProcessIdentity } from './lab.ts';
import { hostOf, readRecord } from './record.ts';

export interface HostProcess {
  /** Inside the host. */
  pid: number;
  /** On the machine. */
  hostPid: number;
  /** Inside the host; 0 for the first process and for those that were put in from outside. */
  parentPid: number;
  startTimeTicks: number;
  /** Letter of /proc/PID/stat: R, S, D, T (stopped), Z. */
  state: string;
  argv: string[];
}

interface ProcessStat {
  pid: number;
  parentPid: number;
  state: string;
  threads: number;
  startTimeTicks: number;
}

/** Null when there is no such process. */
export async function processStat(pid: number): Promise<ProcessStat | null> {
  const text = await readProc(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The second field is the program's name in brackets and may itself hold brackets and spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid, state: fields[0] ?? '', parentPid: Number(fields[1]), threads: Number(fields[17]), startTimeTicks: Number(fields[19]) };
}

export async function isAlive(identity: ProcessIdentity | null): Promise<boolean> {
  if (identity === null) return false;
  const stat = await processStat(identity.pid);
  if (stat === null || stat.startTimeTicks !== identity.startTimeTicks) return false;
  // A zombie with threads is still dying: what it had open is open until the last of them is gone.
  return stat.state !== 'Z' || stat.threads > 1;
}

/** False when that very process was not there any more. */
export async function sendSignal(identity: ProcessIdentity, name: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

export async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Inode of one of a process's namespaces; null when the process is gone or may not be looked at. */
export async function namespaceOf(pid: number, kind: 'net' | 'pid'): Promise<number | null> {
  try {
    const link = await readlink(`/proc/${pid}/ns/${kind}`);
    return Number(/\[(\d+)\]/.exec(link)?.[1]);
  } catch (error) {
    return ignoreClosed(error);
  }
}

/** Even root may not look into every process, in a container or a sandbox; none of those is ours. */
function ignoreClosed(error: unknown): null {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EACCES' || code === 'EPERM' ? null : ignoreGone(error);
}

/** The processes of one namespace, as identities. */
export async function processesIn(kind: 'net' | 'pid', inodes: ReadonlySet<number>): Promise<ProcessIdentity[]> {
  return await processesThat(async (pid) => inodes.has((await namespaceOf(pid, kind)) ?? -1));
}

async function processesThat(belongs: (pid: number) => Promise<boolean>): Promise<ProcessIdentity[]> {
  const found = await Promise.all((await allPids()).map(async (pid) => ((await belongs(pid)) ? await processStat(pid) : null)));
  return found
    .filter((stat) => stat !== null)
    .filter(({ state }) => state !== 'Z')
    .map(({ pid, startTimeTicks }) => ({ pid, startTimeTicks }));
}

/** Those that were started with this in their environment. */
export async function processesWith(name: string, value: string): Promise<ProcessIdentity[]> {
  const marked = `${name}=${value}`;
  return await processesThat(async (pid) => {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(ignoreClosed);
    return environment?.split('\0').includes(marked) ?? false;
  });
}

/** The first child of a process, once it has one. */
export async function firstChild(parentPid: number): Promise<ProcessIdentity | null> {
  for (const pid of await allPids()) {
    const stat = await processStat(pid);
    if (stat?.parentPid === parentPid) return { pid, startTimeTicks: stat.startTimeTicks };
  }
  return null;
}

/**
 * Every process of a host's process tree, also those whose parent has died.
 * @throws NinesError E_HOST_OFF
 */
export async function hostProcesses(lab: Lab, hostName: HostName): Promise<HostProcess[]> {
  const init = await runningInit(await readRecord(lab.dir), hostName);
  const pidNamespace = await namespaceOf(init.pid, 'pid');
  if (pidNamespace === null) return [];
  const members = await processesIn('pid', new Set([pidNamespace]));
  const innerPids = new Map<number, number>();
  const read = await Promise.all(
    members.map(async ({ pid: hostPid, startTimeTicks }) => {
      const [stat, status, commandLine] = await Promise.all([
        processStat(hostPid),
        readProc(`/proc/${hostPid}/status`),
        readProc(`/proc/${hostPid}/cmdline`),
      ]);
      if (stat === null || status === null || commandLine === null) return null;
      const pid = Number(/^NSpid:.*\s(\d+)$/m.exec(status)?.[1]);
      innerPids.set(hostPid, pid);
      const argv = commandLine.split('\0').slice(0, -1);
      return { pid, hostPid, parentHostPid: stat.parentPid, startTimeTicks, state: stat.state, argv };
    }),
  );
  return read
    .filter((found) => found !== null)
    .map(({ parentHostPid, ...found }) => ({ ...found, parentPid: innerPids.get(parentHostPid) ?? 0 }))
    .sort((one, other) => one.pid - other.pid);
}

/** @throws NinesError E_HOST_OFF */
export async function runningInit(lab: Lab, hostName: HostName): Promise<ProcessIdentity> {
  const { init } = hostOf(lab, hostName);
  if (init === null || !(await isAlive(init))) {
    throw new NinesError('E_HOST_OFF', `The host '${hostName}' of the lab '${lab.name}' is off.`);
  }
  return init;
}

/**
 * Waits until none of the processes is left.
 * @throws NinesError E_LAB_COMMAND when one still lives after `timeoutMs`
 */
export async function untilGone(identities: readonly ProcessIdentity[], timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  for (const identity of identities) {
    while (await isAlive(identity)) {
      if (performance.now() > deadlineMs) {
        throw new NinesError('E_LAB_COMMAND', `Process ${identity.pid} was killed and still lives after ${timeoutMs} ms.`);
      }
      await sleep(3);
    }
  }
}

async function readProc(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    return ignoreGone(error);
  }
}

function ignoreGone(error: unknown): null {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ESRCH') return null;
  throw error;
}
