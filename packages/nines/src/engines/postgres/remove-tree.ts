import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EngineIo } from '../engine.ts';
import { POSTGRES_USER } from './plan.ts';

/**
 * By the unit's user and not as root, so that a link in the tree leads nowhere that this user could not go; in the unit's folder,
 * where an agent finds what an earlier one left at work.
 */
export async function removeTree(path: string, io: EngineIo): Promise<void> {
  const present = await access(path).then(
    () => true,
    () => false,
  );
  if (present) await io.run(['/bin/rm', '-rf', '--', path], { user: POSTGRES_USER, cwd: dirname(path), timeoutMs: 300_000 });
}
