/** An event, what a core decides about it, and what of that stands in the world afterwards. */
import type { Event, Facts } from '../src/failover/events.ts';
import type { NodeName } from '../src/failover/record.ts';
import { type Host, hostOf, type Letter, type Model, type Outcome, withHost, type World } from './world.ts';

const CALM: Facts = { suspected: false, overdue: false, consent: false };
export const TICK: Event = { kind: 'tick', facts: CALM };

const WARY_TICK: Event = { kind: 'tick', facts: { ...CALM, suspected: true } };

/** More ticks than any chain of rules needs before it waits for something. */
const LONGEST_CHAIN = 8;

/**
 * Hands an event to a host's core, then ticks until nothing comes of it, as the shell does. The pauses are elsewhere: what is
 * decided is carried out later, or never.
 */
export function deliver(model: Model, world: World, name: NodeName, event: Event): World {
  const host = hostOf(world, name);
  const known = model.outcomes.get(host);
  const subject = known === undefined ? null : subjectOf(event);
  let outcome = subject === null ? undefined : known?.get(subject);
  if (outcome === undefined) {
    outcome = outcomeOf(model, host, event);
    if (subject !== null) known?.set(subject, (outcome = { ...outcome, host: model.keep(outcome.host) }));
  }
  const mail = posted(world.mail, outcome.letters);
  if (outcome.host === host) return mail === world.mail ? world : { ...world, mail };
  return withHost({ ...world, mail }, outcome.host);
}

/** What the events that come again and again are told apart by. */
function subjectOf(event: Event): object | null {
  if (event.kind === 'tick') return event.facts;
  if (event.kind === 'read') return event.view;
  if (event.kind === 'message') return event.message;
  return event.kind === 'request' ? event.request : null;
}

function outcomeOf(model: Model, host: Host, event: Event): Outcome {
  let next = host;
  const letters: Letter[] = [];
  for (let ticks = 0; ticks < LONGEST_CHAIN; ticks++) {
    const step = model.step(next.core, ticks === 0 ? event : next.core.suspected ? WARY_TICK : TICK);
    model.watch(step, next.core, event);
    const isNew = step.state !== next.core;
    if (isNew) next = { ...next, core: step.state };
    for (const command of step.commands) {
      if (command.kind === 'send') letters.push({ to: command.to, message: command.message });
      else if (command.kind === 'swap') next = { ...next, swap: { revision: command.revision, record: command.record } };
      else if (command.kind !== 'read') next = { ...next, job: { command, stage: 0, copy: null } };
    }
    if (!isNew && ticks > 0) return { host: next, letters };
  }
  throw new Error(`${host.core.me} does not come to rest after ${event.kind}`);
}

function posted(mail: readonly Letter[], letters: readonly Letter[]): readonly Letter[] {
  const known = new Set(mail.map(letterKey));
  const fresh = letters.filter((letter) => !known.has(letterKey(letter)));
  if (fresh.length === 0) return mail;
  const byKey = new Map([...mail, ...fresh].map((letter) => [letterKey(letter), letter]));
  return [...byKey.keys()].sort().map((key) => byKey.get(key) as Letter);
}

function letterKey({ to, message }: Letter): string {
  const end = message.kind === 'promise' ? `${message.log.term}.${message.log.lsn}` : '';
  return `${to} ${message.kind} ${message.epoch} ${message.from} ${end}`;
}
