/** Where the time of a failover went, from the decisions of all hosts. Pure. */
import type { Milestone } from './milestones.ts';

interface Step {
  /** What has been done when the milestone is there. */
  phase: string;
  /** By whom: the host that leads afterwards, or any: who opens an epoch may find that another's log is the longest. */
  by: 'winner' | 'any';
  is(milestone: Milestone): boolean;
}

const commands = (name: string, command: string) => (milestone: Milestone) =>
  milestone.name === name && milestone.commands.includes(command);
const answers = (event: string) => (milestone: Milestone) => milestone.event === event;

/** In order. A failover passes through some of them: an election, a retake by the leader itself, or a switchover. */
const STEPS: Step[] = [
  { phase: 'detect', by: 'any', is: ({ name, reason }) => name === 'agent' && reason.includes('pre-vote') },
  { phase: 'stop admitting', by: 'any', is: commands('shut-down', 'shutDown') },
  { phase: 'shut down', by: 'any', is: answers('wasShutDown') },
  { phase: 'pre-vote', by: 'any', is: commands('open-epoch', 'swap') },
  { phase: 'open epoch', by: 'any', is: commands('ask', 'send') },
  { phase: 'promises', by: 'any', is: commands('take', 'swap') },
  { phase: 'take term', by: 'winner', is: ({ commands: all }) => all.includes('promote') },
  { phase: 'promote', by: 'winner', is: answers('promoted') },
  { phase: 'prove', by: 'winner', is: commands('open', 'swap') },
  { phase: 'open', by: 'winner', is: ({ commands: all }) => all.includes('admit') },
  { phase: 'admit', by: 'winner', is: answers('admitted') },
];
export const LAST_PHASE = 'route and first write';

/**
 * Milliseconds of each phase that was passed through, in order; they add up to the time from the fault to the first write. Empty when
 * nobody was admitted in between. @param firstWriteAtMs null: no write came
 */
export function phases(milestones: readonly Milestone[], faultAtMs: number, firstWriteAtMs: number | null): Record<string, number> {
  if (firstWriteAtMs === null) return {};
  const relevant = milestones
    .filter(({ atMs }) => atMs >= faultAtMs && atMs <= firstWriteAtMs)
    .toSorted((left, right) => left.atMs - right.atMs);
  const admitted = relevant.findLastIndex(answers('admitted'));
  const winner = relevant[admitted]?.host;
  if (winner === undefined) return {};
  const lengths: Record<string, number> = {};
  let at = 0;
  let lastMs = faultAtMs;
  for (const { phase, by, is } of STEPS) {
    const found = relevant.findIndex((one, index) => index >= at && index <= admitted && (by === 'any' || one.host === winner) && is(one));
    const milestone = relevant[found];
    if (milestone === undefined) continue;
    lengths[phase] = milestone.atMs - lastMs;
    lastMs = milestone.atMs;
    at = found;
  }
  lengths[LAST_PHASE] = Math.round(firstWriteAtMs - lastMs);
  return lengths;
}
