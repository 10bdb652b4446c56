/** Names of the bench's labs say whose they are: what a killed bench left is found and removed by the next. */
import { destroyLab, listLabs, type ProcessIdentity } from '../../packages/nines/src/lab/index.ts';
import { isAlive, processStat } from '../../packages/nines/src/lab/processes.ts';
import { MACHINE_PATHS } from '../../packages/nines/src/operations/up.ts';

const NAME = /^bench-failover-(\d+)-(\d+)$/;

export async function ownLabName(): Promise<string> {
  const stat = await processStat(process.pid);
  return `bench-failover-${process.pid}-${stat?.startTimeTicks ?? 0}`;
}

/** Whose lab that is; null when it is none of a bench. */
export function labOwner(name: string): ProcessIdentity | null {
  const [, pid, startTimeTicks] = NAME.exec(name) ?? [];
  return pid === undefined ? null : { pid: Number(pid), startTimeTicks: Number(startTimeTicks) };
}

export async function removeOrphans(signal: AbortSignal, say: (line: string) => void): Promise<void> {
  for (const { name } of await listLabs(MACHINE_PATHS.labsDir)) {
    const owner = labOwner(name);
    if (owner !== null && !(await isAlive(owner))) await destroyLab(MACHINE_PATHS.labsDir, name, { signal, log: say });
  }
}
