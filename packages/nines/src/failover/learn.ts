/** Event -> what is known afterwards. No decision is taken here. */
import type { Message } from './commands.ts';
import type { Event, PostgresEvent } from './events.ts';
import type { Arithmetic } from './quorum.ts';
import { type RecordView, sameSet } from './record.ts';
import type { NodeState, Postgres } from './state.ts';

export function learn(arithmetic: Arithmetic, state: NodeState, event: Event): NodeState {
  switch (event.kind) {
    case 'request':
      return state;
    case 'tick':
      return state.suspected === event.facts.suspected ? state : { ...state, suspected: event.facts.suspected };
    case 'read':
      return seen(state, event.view);
    case 'told':
      return state.newestRevision === 0 ? state : seen(state, event.view);
    case 'swapped':
      // Whoever was refused, or does not know, reads again: only the record says what happened.
      return event.outcome === 'done' ? seen({ ...state, swapping: false }, event.view) : { ...state, swapping: false, view: null };
    case 'message':
      return event.message.kind === 'ask' ? asked(state, event.message) : promised(arithmetic, state, event.message);
    default:
      return performed(state, event);
  }
}

function seen(state: NodeState, view: RecordView): NodeState {
  // Also after what was known was given up: a read that began before a swap may end after it, and would undo what was decided since.
  if (view.revision < state.newestRevision || view.revision === state.view?.revision) return state;
  const keepsBallot = state.ballot !== null && state.ballot.epoch === view.record.epoch && view.record.phase === 'electing';
  // A suspicion is about one leader in one epoch; whoever takes the term leads in the epoch in which the last leader was suspected.
  const before = state.view?.record;
  const suspected = state.suspected && before?.epoch === view.record.epoch && before.term === view.record.term;
  const ordered = state.ordered?.revision === view.revision ? state.ordered : null;
  return { ...state, view, newestRevision: view.revision, suspected, ballot: keepsBallot ? state.ballot : null, ordered };
}

function asked(state: NodeState, { epoch, from }: Extract<Message, { kind: 'ask' }>): NodeState {
  const isNews = epoch >= state.promise && epoch >= (state.asked?.epoch ?? 0);
  return isNews ? { ...state, asked: { epoch, from } } : state;
}

/** A candidate counts a promise for its own epoch, whoever gave it. */
export function promised(arithmetic: Arithmetic, state: NodeState, message: Extract<Message, { kind: 'promise' }>): NodeState {
  const record = state.view?.record;
  if (record?.phase !== 'electing' || record.candidate !== state.me) return state;
  if (!arithmetic.counts(record, message)) return state;
  const others = (state.ballot?.reports ?? []).filter(({ node }) => node !== message.from);
  const reports = [...others, { node: message.from, log: message.log }].sort((left, right) => (left.node < right.node ? -1 : 1));
  return { ...state, ballot: { epoch: message.epoch, reports } };
}

const IDLE: Extract<Postgres, { mode: 'standby' }> = { mode: 'standby', following: null, log: null };

function performed(state: NodeState, event: PostgresEvent): NodeState {
  // An exit does not end the executor's command: its own answer does.
  const done: NodeState = event.kind === 'exited' ? state : { ...state, acting: null };
  const { postgres } = state;
  switch (event.kind) {
    case 'exited':
      return { ...done, postgres: { mode: 'down' } };
    case 'started':
    case 'demoted':
      return { ...done, postgres: IDLE };
    case 'fenced':
      return { ...done, promise: event.promise, postgres: { ...IDLE, log: event.log } };
    case 'followed':
      return { ...done, postgres: { ...IDLE, following: { leader: event.leader, term: event.term, counted: event.counted } } };
    case 'taintCleared':
      return { ...done, taint: 0 };
    case 'promoted':
      return {
        ...done,
        taint: event.term,
        postgres: { mode: 'primary', term: event.term, setting: event.setting, proven: false, admitting: false },
      };
    case 'rebuilt':
      return { ...done, taint: event.taint, postgres: { ...IDLE, log: event.log }, ordered: null };
    case 'wasShutDown':
      return { ...done, postgres: { mode: 'handed', to: event.to, log: event.log } };
    case 'failed':
      // An order to be rebuilt is one attempt: meanwhile the old data may be the better half of nothing.
      return {
        ...done,
        postgres: event.postgres,
        promise: event.promise,
        taint: event.taint,
        ordered: state.acting === 'rebuild' ? null : state.ordered,
      };
    default:
      return postgres.mode === 'primary' ? { ...done, postgres: led(postgres, event) } : done;
  }
}

function led(
  primary: Extract<Postgres, { mode: 'primary' }>,
  event: Extract<PostgresEvent, { kind: 'reloaded' | 'proved' | 'admitted' }>,
): Postgres {
  if (event.kind === 'reloaded') return { ...primary, setting: event.setting, proven: false };
  if (event.kind === 'proved') return { ...primary, proven: sameSet(event.setting, primary.setting) };
  return { ...primary, admitting: true };
}
