import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Event } from './events.ts';
import { firstRecord } from './transitions.ts';
import { bootState, type NodeState } from './state.ts';
import { step } from './step.ts';
import { bootLine, isNeeded, replay, stepLine } from './transcript.ts';

const TRANSCRIPTS = new URL('../../../../test/fixtures/transcripts/', import.meta.url);
const FILES = existsSync(TRANSCRIPTS) ? readdirSync(TRANSCRIPTS).filter((name) => name.endsWith('.jsonl')) : [];

const SET = { acks: 1, voters: ['n2', 'n3'] };
const BOOT = bootState('n2', 's', { promise: 0, taint: 0, postgres: { mode: 'down' } });
const LOG = { term: 1, lsn: 10 };
const RECORD = firstRecord('s', 'n1', SET, LOG);
const TICK: Event = { kind: 'tick', facts: { suspected: false, overdue: false, consent: false } };
const EVENTS: Event[] = [
  TICK,
  { kind: 'started' },
  { kind: 'read', view: { revision: 3, record: RECORD } },
  { kind: 'message', message: { kind: 'ask', epoch: 2, from: 'n3' } },
  { kind: 'fenced', promise: 2, log: LOG },
  TICK,
];

function transcript(events: readonly Event[], from: NodeState = BOOT): string[] {
  const lines = [bootLine(1, from)];
  let state = from;
  for (const event of events) {
    const decided = step(state, event);
    if (isNeeded(state, decided)) lines.push(stepLine(2, event, decided));
    state = decided.state;
  }
  return lines;
}

describe('a transcript', () => {
  const lines = transcript(EVENTS);

  it('replays', () => {
    expect(lines.length).toBeGreaterThan(4);
    expect(replay(lines)).toEqual({ steps: lines.length - 1, mismatch: null });
  });

  it('replays with more fields, in another order, over two lives', () => {
    const richer = lines.map((line) =>
      JSON.stringify({ host: 'a', ...Object.fromEntries(Object.entries(JSON.parse(line) as object).reverse()) }),
    );
    expect(replay([...richer, '', ...richer])).toEqual({ steps: 2 * (lines.length - 1), mismatch: null });
  });

  it('tells the first decision that differs', () => {
    const forged = lines.map((line, at) => (at === 2 ? line.replace('"rule":', '"rule":1') : line));
    expect(replay(forged)).toMatchObject({ steps: 1, mismatch: { line: 3, what: 'rule' } });
    expect(replay(lines.filter((_, at) => at !== 2))).toMatchObject({ mismatch: { line: 3 } });
  });

  it('may end in a torn line, at the end of a file or of a life, and nowhere else', () => {
    expect(replay([...lines, '{"kind":"st']).mismatch).toBeNull();
    expect(replay([...lines, '{"kind":"st', ...lines]).mismatch).toBeNull();
    expect(replay([...lines.slice(0, 2), '{"kind":"st', ...lines.slice(2)])).toMatchObject({ mismatch: { line: 3, what: 'line' } });
  });

  it('begins with a state', () => {
    expect(replay(lines.slice(1))).toMatchObject({ steps: 0, mismatch: { line: 1, expected: 'a boot before any step' } });
  });
});

describe('transcripts that runs have left', () => {
  it('are there', () => expect(FILES).not.toEqual([]));

  it.each(FILES)('%s replays', (name) => {
    const { steps, mismatch } = replay(readFileSync(new URL(name, TRANSCRIPTS), 'utf8').split('\n'));
    expect(mismatch).toBeNull();
    expect(steps).toBeGreaterThan(0);
  });
});
