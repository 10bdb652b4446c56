/** The first data of a group: initdb on its first primary. */
import { rm } from 'node:fs/promises';
import { NinesError } from '../../errors/errors.ts';
import { replaceFile } from '../durable-file.ts';
import type { LogEnd } from '../../failover/log.ts';
import type { EngineIo } from '../engine.ts';
import { canConnect } from './can-connect.ts';
import { hasData, putInPlace, refuseForeignData } from './data-directory.ts';
import { NOTHING_PROMISED, readDurableIfThere, writeDurable } from './durable/failover-file.ts';
import type { PostgresGroup } from './group.ts';
import { INITDB_BINARY } from './layout.ts';
import { endingBy, type Member } from './member.ts';
import { POSTGRES_USER, postgresPassword } from './plan.ts';
import { readControlData } from './standby/log/control-data.ts';
import { endOfLog } from './standby/end-of-log.ts';

const PROBE_MS = 300;
/**
 * A promotion copies the last segment of the log into its new timeline, whole and synced, before anybody may write: 16 MB took 85 ms
 * where 4 MB take 30.
 */
const SEGMENT_MB = 4;

/** Under this name the cluster remembers that the group has data. */
export const firstDataOf = (group: string): string => `postgres/${group}`;

/**
 * This primary has no data. If its group has lived, its disk is new or was emptied, and a fresh initdb would offer an
 * empty database in place of the one that the standbys still have. The cluster's memory knows; without etcd nothing is
 * made. A standby that listens has data too, whatever etcd remembers (it may have been restored from an old snapshot).
 * @throws NinesError E_DATA_LOST
 */
export async function refuseToReplaceLostData(group: PostgresGroup, io: EngineIo): Promise<void> {
  const { signal } = io;
  const standbys = group.members.filter((member) => member.role === 'standby');
  const listening = await Promise.all(
    standbys.map(async (standby) => ((await canConnect(standby.address, standby.port, PROBE_MS, signal)) ? standby : null)),
  );
  const survivor = listening.find((standby) => standby !== null);
  if (survivor === undefined) {
    if (await io.firstTime.mayBegin(firstDataOf(group.name), signal)) return;
    throw new NinesError('E_DATA_LOST', `the primary of '${group.name}' has no data, but the group had data once: not made anew`);
  }
  throw new NinesError(
    'E_DATA_LOST',
    `the primary of '${group.name}' has no data, but its standby ${survivor.unit.name} on ${survivor.unit.host} has: not made anew`,
  );
}

/**
 * initdb, once in the life of the group. No server runs afterwards. Data of an attempt that was interrupted behind it is kept.
 * @throws NinesError E_DATA_LOST, E_DATA_FOREIGN
 */
export async function initialise(member: Member, signal: AbortSignal): Promise<{ systemId: string; end: LogEnd }> {
  const m = { ...member, io: endingBy(member.io, signal) };
  if (!(await hasData(m))) {
    await refuseForeignData(m.layout);
    await refuseToReplaceLostData(m.group, m.io);
    await runInitdb(m);
    await writeDurable(m, (await readDurableIfThere(m.layout)) ?? NOTHING_PROMISED);
    await putInPlace(m);
  }
  const { systemId } = await readControlData(m.layout.dataDir, m.io, signal);
  const end = await endOfLog(m, signal);
  if (end !== null) return { systemId, end };
  throw new NinesError('E_DATA_FOREIGN', `the log in ${m.layout.dataDir} has no end that is sure`);
}

/** initdb syncs what it wrote before it ends (0.6 s with, 0.5 s without: not worth a window without it). */
async function runInitdb({ context, layout, io }: Member): Promise<void> {
  await replaceFile(layout.initialPasswordFile, `${postgresPassword(context, 'postgres')}\n`, 0o600);
  try {
    const options = [
      '--username=postgres',
      `--pwfile=${layout.initialPasswordFile}`,
      '--auth=scram-sha-256',
      '--data-checksums',
      `--wal-segsize=${SEGMENT_MB}`,
    ];
    const locale = ['--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions'];
    await io.run([INITDB_BINARY, '-D', layout.buildingDir, ...options, ...locale], { user: POSTGRES_USER, cwd: layout.unitDir });
  } finally {
    await rm(layout.initialPasswordFile, { force: true });
  }
}
