/** Rendered files of a unit: written whole or not at all, only when they differ. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { UnitFile, UnitPlan } from '../engines/engine.ts';
import type { UserIds } from '../identity/users.ts';
import { userIds } from './users.ts';

/** What the changed files ask of a running unit; the strongest wins. */
export type FileEffect = 'none' | 'reload' | 'restart';

/**
 * Writes through a temporary name and a rename, synced: a reader or a power loss sees the old or the new content.
 * The folder may belong to an unprivileged user and we are root: a link planted at either name is never followed.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, options: { mode: number; uid?: number; gid?: number }): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(temporary, flags, options.mode);
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    fchmodSync(descriptor, options.mode);
    if (options.uid !== undefined && options.gid !== undefined) fchownSync(descriptor, options.uid, options.gid);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
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
    ownFolder(directory.path, directory.mode, userIds(directory.user ?? plan.user));
  }
  let effect: FileEffect = 'none';
  for (const file of plan.files) {
    if (!writeUnitFile(plan, file)) continue;
    if (file.onChange === 'restart') effect = 'restart';
    else if (file.onChange === 'reload' && effect === 'none') effect = 'reload';
  }
  return effect;
}

/** Throws when the place is a link: its owner would be given, by us, whatever it points at. */
function ownFolder(path: string, mode: number, { uid, gid }: UserIds): void {
  mkdirSync(path, { recursive: true });
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const now = fstatSync(descriptor);
    if (now.uid !== uid || now.gid !== gid) fchownSync(descriptor, uid, gid);
    if ((now.mode & 0o7777) !== mode) fchmodSync(descriptor, mode);
  } finally {
    closeSync(descriptor);
  }
}

function writeUnitFile(plan: UnitPlan, file: UnitFile): boolean {
  const before = readText(file.path);
  if (before === file.content || (before !== null && file.onChange === 'create-only')) return false;
  mkdirSync(dirname(file.path), { recursive: true });
  writeFileAtomic(file.path, file.content, { mode: file.mode, ...userIds(file.user ?? plan.user) });
  return true;
}
