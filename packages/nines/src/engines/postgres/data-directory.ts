/** PGDATA: built beside its place, renamed when it is complete, checked at every start. */
import { access, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { NinesError } from '../../errors/errors.ts';
import { replaceFile, syncDirectory } from '../durable-file.ts';
import type { EngineIo, UnitContext } from '../engine.ts';
import { cloneFromPrimary } from './clone.ts';
import { membershipOf } from './group.ts';
import { initialise, refuseToReplaceLostData } from './initialise.ts';
import { MARKER_NAME, postgresLayout, type PostgresLayout } from './layout.ts';
import { clearLeftovers } from './leftovers.ts';
import { removeTree } from './remove-tree.ts';

const OVERRIDES_HEADING = '# Emptied by Nines at every start: settings come from the topology.\n';

/**
 * Before each start: PGDATA is there and complete, nobody else works in it, and its settings are this member's own.
 * May be interrupted anywhere. A primary that has data always starts as it is: nothing here ever replaces it.
 */
export async function preparePostgres(context: UnitContext, io: EngineIo): Promise<void> {
  const layout = postgresLayout(context);
  const { member } = membershipOf(context.spec, context.unit);
  const state = await stateOf(layout);
  if (state !== 'absent') await clearLeftovers(layout, member.port, io);
  if (state !== 'complete') await build(context, layout, state, io);
  await settle(layout.dataDir, member.role);
}

type DataState = 'absent' | 'complete' | 'unfinished';

async function stateOf(layout: PostgresLayout): Promise<DataState> {
  if (await exists(layout.markerFile)) return 'complete';
  const content = await readdir(layout.dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return content.length === 0 ? 'absent' : 'unfinished';
}

async function build(context: UnitContext, layout: PostgresLayout, state: DataState, io: EngineIo): Promise<void> {
  const { group, member } = membershipOf(context.spec, context.unit);
  if (member.role === 'primary' && state === 'unfinished') {
    throw new NinesError('E_DATA_FOREIGN', `${layout.dataDir} holds files but not Nines' mark that they are complete`);
  }
  await removeTree(layout.buildingDir, io);
  if (member.role === 'primary') {
    await refuseToReplaceLostData(group, io);
    await initialise(context, layout, io);
  } else {
    await cloneFromPrimary(group, member, layout, io);
    await settle(layout.buildingDir, member.role);
  }
  const mark = { cluster: context.spec.topology.name, group: group.name, member: member.replicaName };
  await replaceFile(join(layout.buildingDir, MARKER_NAME), `${JSON.stringify(mark)}\n`, 0o600);
  if (state === 'unfinished') {
    await removeTree(layout.discardedDir, io);
    await rename(layout.dataDir, layout.discardedDir);
  }
  await rename(layout.buildingDir, layout.dataDir);
  await syncDirectory(layout.unitDir);
  await removeTree(layout.discardedDir, io);
}

/**
 * A clone has the primary's files: it must wait as a standby from its first start. Settings made by ALTER SYSTEM would
 * win over the topology's, and would come along with every clone.
 */
async function settle(dataDir: string, role: 'primary' | 'standby'): Promise<void> {
  const overrides = join(dataDir, 'postgresql.auto.conf');
  if ((await readFile(overrides, 'utf8').catch(() => '')) !== OVERRIDES_HEADING) await replaceFile(overrides, OVERRIDES_HEADING, 0o600);
  const signalFile = join(dataDir, 'standby.signal');
  if (role === 'standby' && !(await exists(signalFile))) await replaceFile(signalFile, '', 0o600);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
