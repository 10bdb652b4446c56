import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Event } from '../../failover/events.ts';
import { LONE } from '../../failover/record.ts';
import { bootState, type NodeState } from '../../failover/state.ts';
import { step } from '../../failover/step.ts';
import { replay } from '../../failover/transcript.ts';
import { firstRecord } from '../../failover/transitions.ts';
import { DecisionLog, type ExplainLine } from './decision-log.ts';

const RECORD = firstRecord('s', 'n1', { acks: 1, voters: ['n2'] }, { term: 1, lsn: 10 });
const TICK: Event = { kind: 'tick', facts: { suspected: false, overdue: false, consent: false } };

describe('DecisionLog', () => {
  let dir = '';
  let atMs = 1_000;
  let complaints: string[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nines-decisions-'));
    [atMs, complaints] = [1_000, []];
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const file = () => join(dir, 'decisions.jsonl');
  const open = () =>
    new DecisionLog({ file: file(), host: 'h2', group: 'main', wallClock: () => atMs++, log: (message) => void complaints.push(message) });
  const shown = (log: DecisionLog, sinceMs = 0): ExplainLine[] =>
    log
      .since(sinceMs)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ExplainLine);
  const run = (log: DecisionLog, before: NodeState, events: readonly Event[]): NodeState => {
    let state = before;
    for (const event of events) {
      const decided = step(state, event);
      log.decided({ before: state, event, step: decided });
      state = decided.state;
    }
    return state;
  };
  const boot = bootState('n2', 's', { promise: 0, taint: 0, postgres: { mode: 'standby', following: null, log: null } });

  it('keeps what replays, and leaves out ticks that say the same', async () => {
    const log = open();
    log.boot(boot);
    const events: Event[] = [
      TICK,
      TICK,
      TICK,
      { kind: 'read', view: { revision: 3, record: RECORD } },
      ...Array.from({ length: 50 }, () => TICK),
    ];
    const state = run(log, boot, events);
    run(log, state, [{ kind: 'fenced', promise: 1, log: { term: 1, lsn: 10 } }, TICK, TICK]);
    await log.flush();
    const lines = readFileSync(file(), 'utf8').split('\n');
    expect(replay(lines)).toMatchObject({ mismatch: null });
    expect(lines.filter((line) => line !== '').length).toBeLessThan(10);
    expect(shown(log).map(({ name }) => name)).toEqual(expect.arrayContaining(['read', 'rest', 'follow']));
    expect(shown(log)[0]).toMatchObject({ host: 'h2', group: 'main', rule: 4, event: 'tick', commands: ['read'] });
  });

  it('shows what an agent before it decided, also behind a line that was torn', async () => {
    const first = open();
    first.boot(boot);
    run(first, boot, [TICK]);
    await first.flush();
    writeFileSync(file(), `${readFileSync(file(), 'utf8')}{"kind":"step","atM`);
    const second = open();
    expect(shown(second).map(({ name }) => name)).toEqual(['read']);
    second.boot(boot);
    run(second, boot, [{ kind: 'read', view: { revision: 3, record: { ...RECORD, guards: [LONE] } } }]);
    await second.flush();
    expect(replay(readFileSync(file(), 'utf8').split('\n'))).toMatchObject({ mismatch: null });
    expect(shown(open()).map(({ name }) => name)).toEqual(['read', 'rest']);
  });

  it('tells what came since a time, and what the agent did beside the rules', () => {
    const log = open();
    log.note('waits for etcd');
    const line = shown(log)[0];
    expect(line).toMatchObject({ rule: 0, name: 'agent', reason: 'waits for etcd' });
    expect(shown(log, (line?.atMs ?? 0) + 1)).toEqual([]);
  });

  it('fails nobody when it cannot be written, and goes on from the state as it is then', async () => {
    mkdirSync(file());
    const log = open();
    log.boot(boot);
    const state = run(log, boot, [TICK]);
    await log.flush();
    await log.flush();
    expect(complaints).toHaveLength(1);
    rmSync(file(), { recursive: true });
    run(log, state, [{ kind: 'read', view: { revision: 3, record: RECORD } }]);
    await log.flush();
    expect(replay(readFileSync(file(), 'utf8').split('\n'))).toMatchObject({ mismatch: null, steps: 1 });
  });
});
