/** The first data of a group: initdb on its first primary. */
import { rm } from 'node:fs/promises';
import { NinesError } from '../../errors/errors.ts';
import { replaceFile } from '../durable-file.ts';
import type { EngineIo, UnitContext } from '../engine.ts';
import { canConnect } from './can-connect.ts';
import type { PostgresGroup } from './group.ts';
import { INITDB_BINARY, type PostgresLayout } from './layout.ts';
import { POSTGRES_USER, postgresPassword } from './plan.ts';

const PROBE_MS = 300;

/**
 * A standby that listens has data, so the group has lived and this primary's disk is new or was emptied. A fresh initdb
 * would offer an empty database in place of the one that the standby still has.
 * @throws NinesError E_DATA_LOST
 */
export async function refuseToReplaceLostData(group: PostgresGroup, signal: AbortSignal): Promise<void> {
  const standbys = group.members.filter((member) => member.role === 'standby');
  const listening = await Promise.all(
    standbys.map(async (standby) => ((await canConnect(standby.address, standby.port, PROBE_MS, signal)) ? standby : null)),
  );
  const survivor = listening.find((standby) => standby !== null);
  if (survivor === undefined) return;
  throw new NinesError(
    'E_DATA_LOST',
    `the primary of '${group.name}' has no data, but its standby ${survivor.unit.name} on ${survivor.unit.host} has: not made anew`,
  );
}

/** initdb syncs what it wrote before it ends (0.6 s with, 0.5 s without: not worth a window without it). */
export async function initialise(context: UnitContext, layout: PostgresLayout, io: EngineIo): Promise<void> {
  await replaceFile(layout.initialPasswordFile, `${postgresPassword(context, 'postgres')}\n`, 0o600);
  try {
    const options = ['--username=postgres', `--pwfile=${layout.initialPasswordFile}`, '--auth=scram-sha-256', '--data-checksums'];
    const locale = ['--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions'];
    await io.run([INITDB_BINARY, '-D', layout.buildingDir, ...options, ...locale], { user: POSTGRES_USER, cwd: layout.unitDir });
  } finally {
    await rm(layout.initialPasswordFile, { force: true });
  }
}
