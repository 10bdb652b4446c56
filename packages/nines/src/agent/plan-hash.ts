/** Two plans are the same when their hashes are: what a running process was started with, in 64 characters. */
import { createHash } from 'node:crypto';
import type { UnitPlan } from '../engines/engine.ts';

export interface PlanHashes {
  restartHash: string;
  reloadHash: string;
}

export function planHashes(plan: UnitPlan): PlanHashes {
  const filesFor = (effect: string) =>
    plan.files.filter((file) => file.onChange === effect).map((file) => [file.path, file.content, file.mode]);
  const canReload = plan.reloadSignal !== null;
  const reloaded = filesFor('reload');
  return {
    restartHash: sha256([
      plan.argv,
      Object.entries(plan.env).toSorted(([left], [right]) => (left < right ? -1 : 1)),
      plan.cwd,
      plan.user,
      plan.capabilities ?? [],
      filesFor('restart'),
      canReload ? [] : reloaded,
    ]),
    reloadHash: sha256(canReload ? reloaded : []),
  };
}

function sha256(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
