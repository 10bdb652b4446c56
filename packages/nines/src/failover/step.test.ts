import { describe, expect, it } from 'vitest';
import { COMMAND_DUTIES, DUTIES } from './commands.ts';
import type { Event } from './events.ts';
import { ARITHMETIC } from './quorum.ts';
import type { RecordView } from './record.ts';
import { EVERY_PHASE } from './rules/rule.ts';
import { describeRules, RULES } from './rules/table.ts';
import { bootState, type NodeState, type Postgres } from './state.ts';
import { step } from './step.ts';
import { epochOpened, firstRecord, ledBy } from './transitions.ts';

const SET = { acks: 1, voters: ['n2', 'n3'] };
const LOG = { term: 1, lsn: 10 };
const FACTS = { suspected: false, overdue: false, consent: false };
const OPEN = firstRecord('s', 'n1', SET, LOG);
const ELECTING = epochOpened(OPEN, 'n2');
const PROMOTING = ledBy(ARITHMETIC, ELECTING, { node: 'n2', log: LOG });

const view = (record: RecordView['record'], revision = 5): RecordView => ({ revision, record });
const node = (me: string, postgres: Postgres, more: Partial<NodeState> = {}): NodeState => ({
  ...bootState(me, 's', { promise: 0, taint: 0, postgres }),
  ...more,
});

const POSTGRES: Postgres[] = [
  { mode: 'down' },
  { mode: 'standby', following: null, log: null },
  { mode: 'standby', following: null, log: LOG },
  { mode: 'standby', following: { leader: 'n1', term: 1, counted: true }, log: null },
  { mode: 'primary', term: 1, setting: SET, proven: false, admitting: false },
  { mode: 'primary', term: 2, setting: SET, proven: true, admitting: true },
  { mode: 'handed', to: 'n2', log: LOG },
];

const EVENTS: Event[] = [
  { kind: 'read', view: view(OPEN, 4) },
  { kind: 'swapped', outcome: 'done', view: view(PROMOTING, 9) },
  { kind: 'told', view: view(ELECTING, 8) },
  { kind: 'swapped', outcome: 'refused' },
  { kind: 'swapped', outcome: 'unknown' },
  { kind: 'message', message: { kind: 'ask', epoch: 2, from: 'n2' } },
  { kind: 'message', message: { kind: 'promise', epoch: 2, from: 'n3', systemId: 's', log: LOG } },
  { kind: 'tick', facts: FACTS },
  { kind: 'tick', facts: { suspected: true, overdue: true, consent: true } },
  { kind: 'request', request: { kind: 'retarget', target: SET } },
  { kind: 'request', request: { kind: 'change', set: { acks: 1, voters: ['n2'] } } },
  { kind: 'request', request: { kind: 'reverse' } },
  { kind: 'request', request: { kind: 'switchover', to: 'n2' } },
  { kind: 'exited' },
  { kind: 'started' },
  { kind: 'fenced', promise: 2, log: LOG },
  { kind: 'fenced', promise: 2, log: null },
  { kind: 'followed', leader: 'n1', term: 1, counted: true },
  { kind: 'taintCleared' },
  { kind: 'promoted', term: 2, setting: SET },
  { kind: 'reloaded', setting: SET },
  { kind: 'proved', setting: SET },
  { kind: 'admitted' },
  { kind: 'demoted' },
  { kind: 'rebuilt', log: LOG, taint: 0 },
  { kind: 'wasShutDown', to: 'n2', log: LOG },
  { kind: 'failed', postgres: { mode: 'down' }, promise: 2, taint: 0 },
];

describe('the rule table', () => {
  it('is in order, and each rule has a name of its own', () => {
    const numbers = RULES.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((left, right) => left - right));
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
  });

  it('has a line for each rule', () => {
    expect(describeRules()).toHaveLength(RULES.length);
    expect(describeRules()[0]).toMatch(/^ 1 +start +any phase +PostgreSQL is not running/);
  });

  it('decides for every phase, event, role and state of PostgreSQL, and never starts two things at once', () => {
    let decisions = 0;
    for (const record of [null, OPEN, ELECTING, PROMOTING]) {
      for (const me of ['n1', 'n2', 'n3', 'n4']) {
        for (const postgres of POSTGRES) {
          for (const event of EVENTS) {
            const before = node(me, postgres, { view: record === null ? null : view(record) });
            const { state, commands, reason } = step(before, event);
            expect(reason).not.toBe('');
            expect(commands.filter(({ kind }) => kind !== 'send').length).toBeLessThanOrEqual(1);
            const first = commands[0]?.kind;
            if (first === 'swap') expect(state.swapping).toBe(true);
            else if (first !== undefined && first !== 'send' && first !== 'read') expect(state.acting).toBe(first);
            decisions++;
          }
        }
      }
    }
    expect(decisions).toBe(4 * 4 * POSTGRES.length * EVENTS.length);
    expect(EVERY_PHASE).toHaveLength(3);
  });

  it('gives every duty to a command', () => {
    const given = new Set(Object.values(COMMAND_DUTIES).flat());
    expect(Object.keys(DUTIES).filter((duty) => duty !== 'diesWithAgent' && !given.has(duty as never))).toEqual([]);
  });
});

describe('a decision', () => {
  const standby: Postgres = { mode: 'standby', following: { leader: 'n1', term: 1, counted: true }, log: null };

  it('does nothing new while a command has no answer, and says so', () => {
    const asked = node('n3', standby, { view: view(OPEN), acting: 'follow' });
    const { commands, held } = step(asked, { kind: 'message', message: { kind: 'ask', epoch: 2, from: 'n2' } });
    expect(commands).toEqual([{ kind: 'read' }]);
    expect(held).toEqual(['fence/busy']);
  });

  it('names the wall that holds a standby back', () => {
    const fenced = node('n3', { mode: 'standby', following: null, log: LOG }, { view: view(ELECTING), promise: 2 });
    const { commands, held } = step(fenced, { kind: 'tick', facts: FACTS });
    expect(commands).toEqual([]);
    expect(held).toContain('follow/decided');
  });

  it('of a voter that is asked: fence first, answer afterwards', () => {
    const asked = step(node('n3', standby, { view: view(OPEN) }), { kind: 'message', message: { kind: 'ask', epoch: 2, from: 'n2' } });
    expect(asked.commands).toEqual([{ kind: 'fence', epoch: 2 }]);
    const answered = step(asked.state, { kind: 'fenced', promise: 2, log: LOG });
    const message = { kind: 'promise', epoch: 2, from: 'n3', systemId: 's', log: LOG };
    expect(answered.commands).toEqual([{ kind: 'send', to: 'n2', message }]);
  });

  it('does not go back to an older record, also when it gave up what it knew', () => {
    const known = node('n2', { mode: 'down' }, { view: view(OPEN, 7), newestRevision: 7, swapping: true });
    const unsure = step(known, { kind: 'swapped', outcome: 'unknown' }).state;
    expect(unsure.view).toBeNull();
    expect(step(unsure, { kind: 'read', view: view(ELECTING, 6) }).state.view).toBeNull();
    expect(step(unsure, { kind: 'read', view: view(OPEN, 7) }).state.view?.revision).toBe(7);
    expect(step(unsure, { kind: 'told', view: view(ELECTING, 8) }).state.view?.revision).toBe(8);
    expect(step(node('n2', { mode: 'down' }), { kind: 'told', view: view(OPEN, 7) }).state.view).toBeNull();
  });

  describe('when etcd was set back', () => {
    const again = (me: string, postgres: Postgres, promise: number, suspected: boolean) => {
      const { commands, rule } = step(node(me, postgres, { view: view(OPEN), promise }), { kind: 'tick', facts: { ...FACTS, suspected } });
      return { commands, name: RULES.find(({ number }) => number === rule)?.name };
    };
    const READS = { commands: [{ kind: 'read' }], name: 'read-again' };

    it('is none: who promised more neither leads, nor follows, nor elects by that record', () => {
      expect(again('n1', standby, 2, false)).toEqual(READS);
      expect(again('n1', { mode: 'standby', following: null, log: LOG }, 2, false)).toEqual(READS);
      expect(again('n2', { ...standby, following: { leader: 'n2', term: 2, counted: true } }, 2, false)).toEqual(READS);
      expect(again('n3', standby, 2, true)).toEqual(READS);
    });

    it('is none behind a log of a term that the record does not have, also when epochs have overtaken the promise', () => {
      const ahead: Postgres = { mode: 'standby', following: null, log: { term: 3, lsn: 90 } };
      const tick: Event = { kind: 'tick', facts: FACTS };
      const heldOf = (me: string, record: RecordView['record'], more: Partial<NodeState> = {}) => {
        const { commands, held } = step(node(me, ahead, { view: view(record), ...more }), tick);
        return { commands: commands.filter(({ kind }) => kind !== 'send'), held };
      };
      expect(heldOf('n1', OPEN)).toEqual({ commands: [], held: ['retake/knownTerm'] });
      expect(heldOf('n2', PROMOTING)).toEqual({ commands: [], held: ['promote/knownTerm', 'retake/knownTerm'] });
      const reports = ['n2', 'n3'].map((each) => ({ node: each, log: { term: 3, lsn: 90 } }));
      const ballot = { epoch: 2, reports };
      expect(heldOf('n2', ELECTING, { ballot, promise: 2 })).toMatchObject({
        commands: [],
        held: expect.arrayContaining(['take/knownTerm']),
      });
      const ordered = { kind: 'force', revision: 5 } as const;
      expect(heldOf('n4', ELECTING, { ordered })).toMatchObject({ commands: [], held: expect.arrayContaining(['force/knownTerm']) });
      const handed = node('n1', { mode: 'handed', to: 'n2', log: { term: 3, lsn: 90 } }, { view: view(OPEN) });
      expect(step(handed, tick)).toMatchObject({ commands: [], held: ['hand-over/knownTerm'] });
    });

    it('is none: the leader of a later term goes on', () => {
      expect(again('n2', { mode: 'primary', term: 2, setting: SET, proven: true, admitting: true }, 0, false)).toEqual(READS);
    });
  });

  it('never counts a log whose end is not sure', () => {
    const asked = node('n3', standby, { view: view(OPEN), asked: { epoch: 2, from: 'n2' }, acting: 'fence' });
    expect(step(asked, { kind: 'fenced', promise: 2, log: null }).commands).toEqual([{ kind: 'fence', epoch: 2 }]);
  });
});
