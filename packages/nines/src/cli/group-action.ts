/** What the commands on a PostgreSQL group have in common: the group, progress while it goes on, the change of leader in words. */
import { Cluster } from '../operations/cluster.ts';
import type { Followed, LeaderChange } from '../operations/postgres/change-of-leader.ts';
import { chosenGroup } from '../operations/postgres/group.ts';
import { chosenLab, type LabOptions } from './options.ts';
import { duration } from './terminal/duration.ts';
import { printJson, printLine } from './terminal/print.ts';
import { Progress } from './terminal/progress.ts';

export interface GroupOptions extends LabOptions {
  timeout: number;
  json?: boolean;
}

export const GROUP_ARGUMENT = ['[group]', 'the PostgreSQL group; not needed when there is one'] as const;

/** The newest desired state when etcd answers: a group may be newer than this folder's copy. */
export async function withGroup<Result>(
  options: LabOptions,
  wanted: string | undefined,
  act: (cluster: Cluster, group: string) => Promise<Result>,
): Promise<Result> {
  const cluster = await Cluster.open(await chosenLab(options));
  try {
    await cluster.fetchSpec().catch(() => undefined);
    return await act(cluster, chosenGroup(cluster.spec, wanted));
  } finally {
    cluster.close();
  }
}

/** Shows one step while it goes on. */
export async function shown<Result>(
  title: string,
  options: GroupOptions,
  signal: AbortSignal,
  act: (followed: Followed) => Promise<Result>,
): Promise<Result> {
  const progress = new Progress();
  const step = progress.step(title);
  try {
    const result = await act({ timeoutMs: options.timeout, signal, progress: (line) => step.update(line) });
    step.done();
    return result;
  } catch (error) {
    step.failed('see below');
    throw error;
  } finally {
    progress.close();
  }
}

export function tellChange({ json }: GroupOptions, change: LeaderChange): void {
  const { group, from, to, reason, tookMs } = change;
  if (json === true) return printJson({ group, from, to, reason, tookMs: Math.round(tookMs) });
  const before = from === null ? '' : `; before: ${from.host} in term ${from.term}`;
  printLine(`${to.host} leads ${group} in term ${to.term}, after ${duration(tookMs)}${before}`);
}
