/** PGDATA: built beside its place, put there when it is complete; whatever interrupts that, the old or the new one is there. */
import { access, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { NinesError } from '../../errors/errors.ts';
import { replaceFile, syncDirectory } from '../durable-file.ts';
import { MARKER_NAME, type PostgresLayout } from './layout.ts';
import { endTools } from './leftovers.ts';
import type { Member } from './member.ts';
import { removeTree } from './remove-tree.ts';

const OVERRIDES_HEADING = '# Emptied by Nines at every start: settings come from the topology.\n';

export type DataState = 'absent' | 'complete' | 'unfinished';

type Owned = Pick<Member, 'context' | 'group' | 'member' | 'layout' | 'io'>;

/** Ends what an earlier agent left at work on the data, and finishes an exchange that was interrupted. */
export async function settleDirectories(m: Owned, signal: AbortSignal): Promise<void> {
  const { layout, io } = m;
  await endTools(layout, { signal, log: io.log });
  if ((await stateOf(layout.dataDir)) === 'absent') {
    // Between the two renames. The own mark is written last: what has it is complete, and the newer one is wanted.
    for (const folder of [layout.buildingDir, layout.discardedDir]) {
      if (!(await bearsOwnMark(m, folder))) continue;
      await rm(layout.dataDir, { recursive: true, force: true });
      await rename(folder, layout.dataDir);
      await syncDirectory(layout.unitDir);
      io.log(`the exchange of data that was interrupted is finished: ${folder} took its place`);
      break;
    }
  }
  for (const folder of [layout.buildingDir, layout.discardedDir]) await removeTree(folder, { ...io, signal });
}

/** Whether PGDATA is there and complete. */
export async function hasData(m: Owned): Promise<boolean> {
  await settleDirectories(m, m.io.signal);
  return (await stateOf(m.layout.dataDir)) === 'complete';
}

export async function stateOf(folder: string): Promise<DataState> {
  if (await exists(join(folder, MARKER_NAME))) return 'complete';
  const content = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return content.length === 0 ? 'absent' : 'unfinished';
}

/** @throws NinesError E_DATA_FOREIGN when something stands in the place that Nines did not make. */
export async function refuseForeignData({ dataDir }: PostgresLayout): Promise<void> {
  if ((await stateOf(dataDir)) !== 'unfinished') return;
  throw new NinesError('E_DATA_FOREIGN', `${dataDir} holds files but not Nines' mark that they are complete`);
}

/**
 * Puts `buildingDir`, which is complete and synced, in the place of what is there. No server runs. Interrupted anywhere,
 * `settleDirectories` finds the old or the new one.
 */
export async function putInPlace(m: Owned): Promise<void> {
  const { layout, io } = m;
  await settleData(layout.buildingDir);
  await replaceFile(join(layout.buildingDir, MARKER_NAME), ownMark(m), 0o600);
  await removeTree(layout.discardedDir, io);
  if (await exists(layout.dataDir)) await rename(layout.dataDir, layout.discardedDir);
  await rename(layout.buildingDir, layout.dataDir);
  await syncDirectory(layout.unitDir);
  await removeTree(layout.discardedDir, io);
}

/**
 * It starts as a standby, whatever it was. Settings made by ALTER SYSTEM would win over the topology's, and would come along
 * with every clone.
 */
export async function settleData(dataDir: string): Promise<void> {
  const overrides = join(dataDir, 'postgresql.auto.conf');
  if ((await readFile(overrides, 'utf8').catch(() => '')) !== OVERRIDES_HEADING) await replaceFile(overrides, OVERRIDES_HEADING, 0o600);
  const signalFile = join(dataDir, 'standby.signal');
  if (!(await exists(signalFile))) await replaceFile(signalFile, '', 0o600);
}

function ownMark({ context, group, member }: Owned): string {
  return `${JSON.stringify({ cluster: context.spec.topology.name, group: group.name, member: member.replicaName })}\n`;
}

/** A base backup brings the leader's mark along long before it is complete: that one says nothing. */
async function bearsOwnMark(m: Owned, folder: string): Promise<boolean> {
  const mark = await readFile(join(folder, MARKER_NAME), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return mark === ownMark(m);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
