import { access } from 'node:fs/promises';
import type { EngineIo } from '../engine.ts';
import { POSTGRES_USER } from './plan.ts';

/** By the unit's user and not as root, so that a link in the tree leads nowhere that this user could not go. */
export async function removeTree(path: string, io: EngineIo): Promise<void> {
  const present = await access(path).then(
    () => true,
    () => false,
  );
  if (present) await io.run(['/bin/rm', '-rf', '--', path], { user: POSTGRES_USER, timeoutMs: 300_000 });
}
