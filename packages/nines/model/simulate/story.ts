/** One run told in full: what happened and who decided what by which rule; or as the transcripts that its agents would leave. */
import type { Event } from '../../src/failover/events.ts';
import type { NodeName } from '../../src/failover/record.ts';
import type { NodeState } from '../../src/failover/state.ts';
import type { Step } from '../../src/failover/step.ts';
import { bootLine, isNeeded, stepLine } from '../../src/failover/transcript.ts';
import { runSeed } from './run.ts';

/** Lines in the order of time. */
export function tellSeed(seed: number, say: (line: string) => void): void {
  const at = (nowMs: number): string => (nowMs / 1_000).toFixed(3).padStart(7);
  const outcome = runSeed(
    seed,
    {},
    {
      happened: (nowMs, what) => say(`${at(nowMs)} *** ${what}`),
      decided: (nowMs, before, event, step) => {
        if (isNeeded(before, step))
          say(`${at(nowMs)} ${before.me} ${wordsOf(event)}: rule ${step.rule}, ${step.reason}${commandsOf(step)}`);
      },
    },
  );
  say(JSON.stringify(outcome));
}

/** By node; a boot line wherever a state does not follow from the one before. */
export function transcriptsOf(seed: number): Map<NodeName, string[]> {
  const transcripts = new Map<NodeName, string[]>();
  const newest = new Map<NodeName, NodeState>();
  runSeed(
    seed,
    {},
    {
      decided: (nowMs, before, event, step) => {
        const lines = transcripts.get(before.me) ?? [];
        transcripts.set(before.me, lines);
        if (newest.get(before.me) !== before) lines.push(bootLine(nowMs, before));
        if (isNeeded(before, step)) lines.push(stepLine(nowMs, event, step));
        newest.set(before.me, step.state);
      },
    },
  );
  return transcripts;
}

function wordsOf(event: Event): string {
  if (event.kind === 'read' || event.kind === 'told') {
    const { revision, record } = event.view;
    return `${event.kind} ${record.phase} ${record.epoch}/${record.term} of ${record.leader} at ${revision}`;
  }
  if (event.kind === 'tick') return event.facts.suspected ? 'tick, suspects' : 'tick';
  if (event.kind === 'message') return `${event.message.kind} ${event.message.epoch} of ${event.message.from}`;
  if (event.kind === 'request') return `request to ${event.request.kind}`;
  return event.kind === 'swapped' ? `swap ${event.outcome}` : event.kind;
}

function commandsOf({ commands }: Step): string {
  return commands.map((command) => ` -> ${command.kind === 'send' ? `${command.message.kind} to ${command.to}` : command.kind}`).join('');
}
