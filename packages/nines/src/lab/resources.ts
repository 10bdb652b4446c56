import { readFile } from 'node:fs/promises';
import { loopDevices } from './disk.ts';
import { namespacesOf } from './fabric.ts';
import type { Lab, ProcessIdentity } from './lab.ts';
import { linkNames, namespaceInodes, namespaceNames } from './machine.ts';
import { isAlive, processesIn, processesWith } from './processes.ts';
import { MADE_FOR } from './run-command.ts';

export interface LabResources {
  /** As seen from the machine. */
  processes: ProcessIdentity[];
  /** Names. */
  namespaces: string[];
  links: string[];
  /** Mount points on the machine that have to do with the lab. */
  mounts: string[];
  /** e.g. 'loop3' */
  loopDevices: string[];
}

/** What exists of a lab on the machine now; works for a lab that is half-made, or destroyed. */
export async function resources(lab: Lab): Promise<LabResources> {
  const [processes, names, links, mounts, loops] = await Promise.all([
    labProcesses(lab),
    namespaceNames(),
    linkNames(),
    labMounts(lab),
    loopDevices(Object.values(lab.hosts).map((host) => host.diskFile)),
  ]);
  return {
    processes,
    namespaces: names.filter((name) => namespacesOf(lab).includes(name)),
    links: links.filter((name) => name === lab.machineLink),
    mounts,
    loopDevices: loops.map(({ name }) => name),
  };
}

/** Those that the record names, those that its namespaces hold, and what a killed creation left at work on it, each once. */
export async function labProcesses(lab: Lab): Promise<ProcessIdentity[]> {
  const [inside, leftOver] = await Promise.all([
    namespaceInodes(namespacesOf(lab)).then((inodes) => processesIn('net', inodes)),
    processesWith(MADE_FOR, lab.dir),
  ]);
  const recorded = [lab.relay, ...Object.values(lab.hosts).map((host) => host.init)];
  const found = new Map([...leftOver, ...inside].map((identity) => [identity.pid, identity]));
  for (const identity of recorded) {
    if (identity !== null && (await isAlive(identity))) found.set(identity.pid, identity);
  }
  return [...found.values()];
}

async function labMounts(lab: Lab): Promise<string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const points = mounts.split('\n').map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point.includes(`/nines-${lab.id}-`) || point.startsWith(`${lab.dir}/`));
}
