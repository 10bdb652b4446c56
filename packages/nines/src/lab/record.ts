import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { NinesError } from '../errors/errors.ts';
import type { Lab, LabHost } from './lab.ts';
import { withLabLock } from './lock.ts';

const RECORD_FILE = 'lab.json';
const LAB_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Folder of a lab.
 * @throws NinesError E_USAGE when the name could leave `labsDir` or is no name
 */
export function labFolder(labsDir: string, name: string): string {
  if (!LAB_NAME.test(name)) {
    throw new NinesError('E_USAGE', `'${name}' is no name of a lab: lower-case letters, digits and dashes are allowed.`);
  }
  return join(resolve(labsDir), name);
}

/**
 * The record of one lab as it is now.
 * @throws NinesError E_LAB_NOT_FOUND
 */
export async function readLab(labsDir: string, name: string): Promise<Lab> {
  return await readRecord(labFolder(labsDir, name));
}

/** Every lab that has a record, ordered by name. */
export async function listLabs(labsDir: string): Promise<Lab[]> {
  const labs: Lab[] = [];
  for (const name of (await namesIn(labsDir)).sort()) {
    if (!LAB_NAME.test(name)) continue;
    const lab = await findRecord(join(resolve(labsDir), name));
    if (lab !== null) labs.push(lab);
  }
  return labs;
}

/** @throws NinesError E_LAB_NOT_FOUND */
export async function readRecord(labDir: string): Promise<Lab> {
  const lab = await findRecord(labDir);
  if (lab === null) throw new NinesError('E_LAB_NOT_FOUND', `There is no lab in ${labDir}.`);
  return lab;
}

export async function findRecord(labDir: string): Promise<Lab | null> {
  try {
    return JSON.parse(await readFile(join(labDir, RECORD_FILE), 'utf8')) as Lab;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** Replaces the record in one step: a reader, or a crash, sees the old one or the new one. Needs the lab's lock. */
export async function writeRecord(lab: Lab): Promise<void> {
  await mkdir(lab.dir, { recursive: true, mode: 0o700 });
  const draft = join(lab.dir, `${RECORD_FILE}.new`);
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(lab, null, 2)}\n`);
  } finally {
    await file.close();
  }
  await rename(draft, join(lab.dir, RECORD_FILE));
}

/** Reads, changes and writes the record under the lab's lock; `change` may act on the machine meanwhile. */
export async function updateRecord(labDir: string, signal: AbortSignal, change: (lab: Lab) => Lab | Promise<Lab>): Promise<Lab> {
  return await withLabLock(labDir, signal, async () => {
    const changed = await change(await readRecord(labDir));
    await writeRecord(changed);
    return changed;
  });
}

/** @throws NinesError E_USAGE when the lab has no such host */
export function hostOf(lab: Lab, name: string): LabHost {
  const host = lab.hosts[name];
  if (host === undefined) {
    const known = Object.keys(lab.hosts).join(', ');
    throw new NinesError('E_USAGE', `The lab '${lab.name}' has no host '${name}'; it has ${known}.`);
  }
  return host;
}

export function withHost(lab: Lab, name: string, change: Partial<LabHost>): Lab {
  return { ...lab, hosts: { ...lab.hosts, [name]: { ...hostOf(lab, name), ...change } } };
}

export function withoutFault(lab: Lab, id: string): Lab {
  return { ...lab, faults: lab.faults.filter((fault) => fault.id !== id) };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
