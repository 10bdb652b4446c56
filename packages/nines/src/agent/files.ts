/** Rendered files of a unit: written whole or not at all, only when they differ. */
import { chmodSync, chownSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { UnitFile, UnitPlan } from '../engines/engine.ts';
import { userIds } from './users.ts';

/** What the changed files ask of a running unit; the strongest wins. */
export type FileEffect = 'none' | 'reload' | 'restart';

/** Writes through a temporary name and a rename, synced: a reader or a power loss sees the old or the new content. */
export function writeFileAtomic(path: string, content: string | Uint8Array, options: { mode: number; uid?: number; gid?: number }): void {
  const temporary = `${path}.new`;
  const descriptor = openSync(temporary, 'w', options.mode);
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  chmodSync(temporary, options.mode);
  if (options.uid !== undefined && options.gid !== undefined) chownSync(temporary, options.uid, options.gid);
  renameSync(temporary, path);
}

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Makes the unit's folders and files; says what a running process has to do about what changed. */
export function materialise(plan: UnitPlan): FileEffect {
  for (const directory of plan.directories) {
    const owner = userIds(directory.user ?? plan.user);
    mkdirSync(directory.path, { recursive: true });
    const now = statSync(directory.path);
    if ((now.mode & 0o7777) !== directory.mode) chmodSync(directory.path, directory.mode);
    if (now.uid !== owner.uid || now.gid !== owner.gid) chownSync(directory.path, owner.uid, owner.gid);
  }
  let effect: FileEffect = 'none';
  for (const file of plan.files) {
    if (!writeUnitFile(plan, file)) continue;
    if (file.onChange === 'restart') effect = 'restart';
    else if (file.onChange === 'reload' && effect === 'none') effect = 'reload';
  }
  return effect;
}

function writeUnitFile(plan: UnitPlan, file: UnitFile): boolean {
  const before = readText(file.path);
  if (before === file.content || (before !== null && file.onChange === 'create-only')) return false;
  mkdirSync(dirname(file.path), { recursive: true });
  writeFileAtomic(file.path, file.content, { mode: file.mode, ...userIds(file.user ?? plan.user) });
  return true;
}
