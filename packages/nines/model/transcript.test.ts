/** Whatever a core decides on any way through the model, its transcript decides again. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Event } from '../src/failover/events.ts';
import type { NodeState } from '../src/failover/state.ts';
import { makeStep, type Step } from '../src/failover/step.ts';
import { bootLine, isNeeded, replay, stepLine } from '../src/failover/transcript.ts';
import { ARITHMETIC } from '../src/failover/quorum.ts';
import { RULES } from '../src/failover/rules/table.ts';
import { actionsOf } from './actions.ts';
import { settledWorld } from './explore.ts';
import { UNCHANGED } from './unchanged.ts';
import { EVERY_SCOPE } from './scopes.ts';
import { firstWorld, makeModel, type Scope } from './world.ts';

interface Decision {
  before: NodeState;
  event: Event;
  decided: Step;
}

const MOST_ACTIONS = 150;

/** One transcript for each node of a random way: the steps of the actions that were chosen, which lead from one state to the next. */
function transcriptsOf(scope: Scope, choices: readonly number[]): string[][] {
  const made = new Map<NodeState, Decision>();
  const recorded = (before: NodeState, event: Event): Step => {
    const decided = UNCHANGED.step(before, event);
    if (decided.state !== before) made.set(decided.state, { before, event, decided });
    return decided;
  };
  const model = makeModel({ scope, ...UNCHANGED, step: recorded, watch: () => {} });
  let world = firstWorld(scope);
  const transcripts = world.hosts.map(({ core }) => [bootLine(0, core)]);
  for (const [atMs, choice] of choices.entries()) {
    const actions = actionsOf(model, world);
    if (actions.length === 0) break;
    const next = settledWorld(model, actions[choice % actions.length]?.world ?? world);
    next.hosts.forEach(({ core }, at) => transcripts[at]?.push(...linesBetween(made, world.hosts[at]?.core, core, atMs)));
    world = next;
  }
  return transcripts;
}

/** From the newest decision back; a state that no decision made is one of an agent that has just started. */
function linesBetween(made: Map<NodeState, Decision>, from: NodeState | undefined, to: NodeState, atMs: number): string[] {
  const lines: string[] = [];
  for (let state = to; state !== from; ) {
    const decision = made.get(state);
    if (decision === undefined) return [bootLine(atMs, state), ...lines];
    if (isNeeded(decision.before, decision.decided)) lines.unshift(stepLine(atMs, decision.event, decision.decided));
    state = decision.before;
  }
  return lines;
}

const ways = fc.tuple(fc.constantFrom(...EVERY_SCOPE), fc.array(fc.nat(997), { maxLength: MOST_ACTIONS, minLength: 30 }));

it('any way through the model replays from its transcripts, and other rules are seen to decide otherwise', () => {
  const withoutAnswer = makeStep(
    RULES.filter(({ name }) => name !== 'fence'),
    ARITHMETIC,
  );
  let steps = 0;
  let differences = 0;
  fc.assert(
    fc.property(ways, ([scope, choices]) => {
      for (const lines of transcriptsOf(scope, choices)) {
        const { mismatch, steps: replayed } = replay(lines);
        expect(mismatch).toBeNull();
        steps += replayed;
        if (replay(lines, withoutAnswer).mismatch !== null) differences++;
      }
    }),
  );
  expect(steps).toBeGreaterThan(1_000);
  expect(differences).toBeGreaterThan(10);
});
