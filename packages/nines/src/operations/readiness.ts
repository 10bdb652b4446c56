/** Whether everything that should run does. Pure. */
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import type { HostAnswer } from './agent-client.ts';

export interface NotReady {
  unit: string;
  host: string;
  reason: string;
}

export interface Readiness {
  ready: number;
  total: number;
  /** In the order of the placement. */
  missing: NotReady[];
}

export function readiness(spec: ClusterSpec, answers: HostAnswer[]): Readiness {
  const byHost = new Map(answers.map((answer) => [answer.host, answer]));
  const missing: NotReady[] = [];
  for (const { name, host } of spec.placement.units) {
    const answer = byHost.get(host);
    if (answer?.state === null || answer === undefined) {
      missing.push({ unit: name, host, reason: `its host does not answer: ${answer?.error ?? 'not asked'}` });
      continue;
    }
    if (answer.state.revision < spec.revision) {
      missing.push({ unit: name, host, reason: `its host still works on revision ${answer.state.revision}` });
      continue;
    }
    const unit = answer.state.units.find((one) => one.name === name);
    const restartsAsked = spec.restarts[`${name}@${host}`] ?? 0;
    if (unit?.ready === true && unit.restartCount >= restartsAsked) continue;
    missing.push({ unit: name, host, reason: unit === undefined ? 'is not known to its host yet' : `${unit.condition}: ${unit.reason}` });
  }
  const total = spec.placement.units.length;
  return { ready: total - missing.length, total, missing };
}

/** Units that run although nobody wants them (any more): they are still to stop. */
export function leftovers(spec: ClusterSpec, answers: HostAnswer[]): NotReady[] {
  return answers.flatMap(({ host, state }) =>
    (state?.units ?? [])
      .filter((unit) => !spec.placement.units.some((wanted) => wanted.host === host && wanted.name === unit.name))
      .map((unit) => ({ unit: unit.name, host, reason: 'is still to stop' })),
  );
}
