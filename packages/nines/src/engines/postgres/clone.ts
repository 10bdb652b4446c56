/** The data of a standby: a base backup of the primary through the standby's own role and slot. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../errors/errors.ts';
import type { EngineIo } from '../engine.ts';
import { canConnect } from './can-connect.ts';
import type { PostgresGroup, PostgresMember } from './group.ts';
import { BASEBACKUP_BINARY, type PostgresLayout } from './layout.ts';
import { POSTGRES_USER } from './plan.ts';
import { removeTree } from './remove-tree.ts';
import { CLONE_SERVICE } from './replication.ts';

const RETRY_MS = 100;
const PROBE_MS = 500;
/** The primary makes this standby's role and slot right after its own start; longer than this it needs looking at. */
const WAIT_FOR_PRIMARY_MS = 60_000;
/** Bounds a clone whose network dies without a word; the copy itself may take hours. */
const CLONE_MS = 24 * 3_600_000;

/**
 * Copies the primary into `layout.buildingDir`, synced to disk. Waits for the primary, and for it to know this standby.
 * @throws NinesError E_UNREACHABLE with the last obstacle when that takes too long.
 */
export async function cloneFromPrimary(group: PostgresGroup, member: PostgresMember, layout: PostgresLayout, io: EngineIo): Promise<void> {
  const startedAt = performance.now();
  let obstacle = '';
  for (;;) {
    const found = await tryToClone(group, member, layout, io);
    if (found === null) return;
    io.signal.throwIfAborted();
    if (found !== obstacle) io.log(`waiting to clone: ${found}`);
    obstacle = found;
    if (performance.now() - startedAt > WAIT_FOR_PRIMARY_MS) {
      throw new NinesError('E_UNREACHABLE', `could not clone the primary of '${group.name}' on ${group.primary.unit.host}: ${obstacle}`);
    }
    await delay(RETRY_MS, undefined, { signal: io.signal });
  }
}

/** Null when the copy is complete, else what stood in the way. */
async function tryToClone(group: PostgresGroup, member: PostgresMember, layout: PostgresLayout, io: EngineIo): Promise<string | null> {
  const { address, port } = group.primary;
  // Asked first: a connection costs less than a process, and at `up` the primary is not there for a second or two.
  if (!(await canConnect(address, port, PROBE_MS, io.signal))) return `nothing listens on ${address}:${port} yet`;
  const source = ['-d', `service=${CLONE_SERVICE}`, `--slot=${member.replicaName}`, '--wal-method=stream', '--checkpoint=fast'];
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: layout.unitDir, PGSERVICEFILE: layout.serviceFile };
  // What an attempt left that could not clean up after itself would stop every later one.
  await removeTree(layout.buildingDir, io);
  try {
    await io.run([BASEBACKUP_BINARY, '-D', layout.buildingDir, ...source, '--no-password'], {
      user: POSTGRES_USER,
      cwd: layout.unitDir,
      env,
      timeoutMs: CLONE_MS,
    });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
