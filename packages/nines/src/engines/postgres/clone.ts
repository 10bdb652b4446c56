/** A copy of the leader's data, beside the place of one's own: complete and synced, or not there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../errors/errors.ts';
import type { NodeName } from '../../failover/record.ts';
import { canConnect } from './can-connect.ts';
import { putInPlace, settleDirectories, stateOf } from './data-directory.ts';
import { readDurableIfThere, writeDurable } from './durable/failover-file.ts';
import { otherMember, type PostgresMember } from './group.ts';
import { BASEBACKUP_BINARY } from './layout.ts';
import { askLeader, type LeaderIdentity } from './leader-identity.ts';
import { endingBy, type Member } from './member.ts';
import { POSTGRES_USER } from './plan.ts';
import { removeTree } from './remove-tree.ts';
import { CLONE_SERVICE } from './replication.ts';
import { showLeader, showNobody } from './standby/receivers.ts';

const RETRY_MS = 100;
const PROBE_MS = 500;
/** A new leader makes this member's role and slot right after its first start; longer than this the leader may be another. */
const WAIT_FOR_LEADER_MS = 15_000;
/** Bounds a copy whose network dies without a word; the copy itself may take hours. */
const COPY_MS = 24 * 3_600_000;

/**
 * The first data of a member that has none. No server runs afterwards. Waits for the leader, and for it to know this member.
 * @throws NinesError E_UNREACHABLE with the last obstacle when that takes too long; E_MEMBER_BUSY when there is data.
 */
export async function clone(member: Member, leader: NodeName, signal: AbortSignal): Promise<void> {
  const m = { ...member, io: endingBy(member.io, signal) };
  const source = otherMember(m.group, m.member, leader);
  await settleDirectories(m, signal);
  if ((await stateOf(m.layout.dataDir)) === 'complete') {
    throw new NinesError('E_MEMBER_BUSY', `${m.context.unit.name} has data: it is rebuilt, not cloned`);
  }
  const startedAt = performance.now();
  let obstacle = '';
  for (;;) {
    const found = await tryToCopy(m, source);
    if (found === null) break;
    signal.throwIfAborted();
    if (found !== obstacle) m.io.log(`waiting to clone: ${found}`);
    obstacle = found;
    if (performance.now() - startedAt > WAIT_FOR_LEADER_MS) {
      throw new NinesError('E_UNREACHABLE', `could not clone '${m.group.name}' from ${source.unit.host}: ${obstacle}`);
    }
    await delay(RETRY_MS, undefined, { signal });
  }
  // A promise that the lost data gave still binds; its taint was of a log that is gone.
  await writeDurable(m, { promise: (await readDurableIfThere(m.layout))?.promise ?? 0, taint: 0 });
  await putInPlace(m);
}

/** Null when the copy is complete, else what stood in the way. */
async function tryToCopy(m: Member, source: PostgresMember): Promise<string | null> {
  const { address, port } = source;
  // Asked first: a connection costs less than a process, and at `up` the leader is not there for a second or two.
  if (!(await canConnect(address, port, PROBE_MS, m.io.signal))) return `nothing listens on ${address}:${port} yet`;
  try {
    await copyLeader(m, source, null);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Makes `buildingDir`. The name under which it streams is never counted: the copy is half-made.
 * @param wanted what the leader has to be; null: any primary.
 * @throws NinesError E_DATA_FOREIGN when it is not, before or after the copy.
 */
export async function copyLeader(m: Member, source: PostgresMember, wanted: LeaderIdentity | null): Promise<void> {
  const { layout, io } = m;
  const found = await askLeader(m, source);
  refuseOther(source, found, wanted);
  // What an attempt left that could not clean up after itself would stop every later one.
  await removeTree(layout.buildingDir, io);
  showLeader(m, source, { kind: 'clone' });
  try {
    const options = ['-d', `service=${CLONE_SERVICE}`, `--slot=${m.member.replicaName}`, '--wal-method=stream', '--checkpoint=fast'];
    const env = {
      PATH: '/usr/bin:/bin',
      LC_ALL: 'C.UTF-8',
      HOME: layout.unitDir,
      PGSERVICEFILE: layout.serviceFile,
      PGSYSCONFDIR: layout.unitDir,
    };
    const argv = [BASEBACKUP_BINARY, '-D', layout.buildingDir, ...options, '--no-password'];
    await io.run(argv, { user: POSTGRES_USER, cwd: layout.unitDir, env, timeoutMs: COPY_MS });
  } finally {
    showNobody(m);
  }
  refuseOther(source, { ...found, term: await termOfCopy(layout.buildingDir) }, found);
}

function refuseOther(source: PostgresMember, found: LeaderIdentity, wanted: LeaderIdentity | null): void {
  if (wanted === null || (found.systemId === wanted.systemId && found.term === wanted.term)) return;
  const words = ({ systemId, term }: LeaderIdentity) => `term ${term} of database ${systemId}`;
  throw new NinesError('E_DATA_FOREIGN', `${source.unit.name} on ${source.unit.host} has ${words(found)}, wanted is ${words(wanted)}`);
}

/** Between the question and the copy another server may have taken its place. */
async function termOfCopy(dataDir: string): Promise<number> {
  const label = await readFile(join(dataDir, 'backup_label'), 'utf8');
  return Number(/^START TIMELINE: (\d+)$/m.exec(label)?.[1]);
}
