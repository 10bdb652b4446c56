/** A decision log with what was decided again and again said once. Pure. */
import type { ExplainLine } from '../../agent/failover/decision-log.ts';

export interface Run {
  /** The first of them. */
  decision: ExplainLine;
  count: number;
  lastAtMs: number;
}

/** By time of the first. What one host repeats is one run also when others decided something in between. */
export function withoutRepeats(decisions: readonly ExplainLine[]): Run[] {
  const open = new Map<string, Run>();
  const runs: Run[] = [];
  for (const decision of decisions) {
    const before = open.get(decision.host);
    if (before !== undefined && isRepeat(before.decision, decision)) {
      before.count += 1;
      before.lastAtMs = decision.atMs;
      continue;
    }
    const run = { decision, count: 1, lastAtMs: decision.atMs };
    open.set(decision.host, run);
    runs.push(run);
  }
  return runs;
}

function isRepeat(before: ExplainLine, now: ExplainLine): boolean {
  const same = (left: readonly string[], right: readonly string[]): boolean => left.join(' ') === right.join(' ');
  return (
    before.rule === now.rule &&
    before.epoch === now.epoch &&
    before.term === now.term &&
    before.reason === now.reason &&
    same(before.held, now.held) &&
    same(before.commands, now.commands)
  );
}
