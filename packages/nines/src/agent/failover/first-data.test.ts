import { afterEach, describe, expect, it } from 'vitest';
import type { FoundMember } from '../../engines/postgres/control.ts';
import type { PostgresEvent } from '../../failover/events.ts';
import { type GroupRecord, LONE, type RecordView } from '../../failover/record.ts';
import { firstRecord } from '../../failover/transitions.ts';
import { type FirstDataOptions, prepareMember } from './first-data.ts';

const END = { term: 1, lsn: 10 };
const NEW: FoundMember = { systemId: 's', promise: 0, taint: 0, postgres: { mode: 'down' } };
const OF_N1 = firstRecord('s', 'n1', { acks: 1, voters: ['n3'] }, END);

describe('prepareMember', () => {
  let ending = new AbortController();
  afterEach(() => ending.abort());

  interface World {
    me?: string;
    hasData?: boolean;
    found?: FoundMember;
    record?: GroupRecord | null | undefined;
    isInitialLeader?: boolean;
    mayBegin?: boolean;
  }

  /** What it did, in order, until it waits or is done. */
  async function story(world: World) {
    ending = new AbortController();
    const { me = 'n2', found = NEW, isInitialLeader = false, mayBegin = true } = world;
    let { hasData = false } = world;
    let view: RecordView | null | undefined =
      world.record === undefined || world.record === null ? world.record : { revision: 1, record: world.record };
    const did: string[] = [];
    const said: string[] = [];
    const options: FirstDataOptions = {
      ...{ me, group: 'main', isInitialLeader, signal: ending.signal },
      control: {
        hasData: async () => hasData,
        initialise: async () => {
          did.push('initialise');
          hasData = true;
          return { systemId: 's', end: END };
        },
        clone: async (leader) => {
          did.push(`clone ${leader}`);
          hasData = true;
        },
        boot: async () => found,
        execute: async (command): Promise<PostgresEvent> => {
          const epoch = command.kind === 'fence' ? command.epoch : 0;
          did.push(command.kind === 'fence' ? `promise ${epoch}` : command.kind);
          return command.kind === 'start' ? { kind: 'started' } : { kind: 'fenced', promise: epoch, log: END };
        },
      },
      firstTime: { mayBegin: async () => mayBegin, done: async () => void did.push('remembered') },
      record: () => view,
      swapFirst: async (record) => {
        did.push('first record');
        view = { revision: 1, record };
        return { outcome: 'done', view };
      },
      data: () => undefined,
      say: (reason) => {
        if (said.at(-1) !== reason) said.push(reason);
      },
    };
    const outcome = await Promise.race([prepareMember(options), new Promise<null>((resolve) => setTimeout(() => resolve(null), 450))]);
    ending.abort();
    return { outcome, did, said };
  }

  it('makes the first data and the first record, on the first leader', async () => {
    const { outcome, did } = await story({ me: 'n1', isInitialLeader: true, record: null });
    expect(did).toEqual(['initialise', 'start', 'promise 0', 'first record', 'remembered', 'promise 1']);
    const resting = { mode: 'standby', following: null, log: END };
    // Else it would take itself for one that never led, were etcd emptied one day.
    expect(outcome).toEqual({ systemId: 's', promise: 1, taint: 0, postgres: resting });
  });

  it('promises on the first leader that was interrupted before it could, and lets one lead that leads', async () => {
    const world: World = { me: 'n1', hasData: true, isInitialLeader: true, record: firstRecord('s', 'n1', LONE, END) };
    const { outcome, did } = await story(world);
    expect(did).toEqual(['start', 'promise 1']);
    expect(outcome).toMatchObject({ promise: 1 });
    const leading: FoundMember = { ...NEW, postgres: { mode: 'primary', term: 1, setting: LONE, proven: false, admitting: true } };
    expect(await story({ ...world, found: leading })).toMatchObject({ outcome: leading, did: [] });
  });

  it('copies the recorded leader, when it is no voter', async () => {
    const { outcome, did } = await story({ record: OF_N1 });
    expect(did).toEqual(['clone n1']);
    expect(outcome).toEqual(NEW);
  });

  it.each<[string, World, RegExp]>([
    ['etcd is away', {}, /waits for etcd/],
    ['another is to make the first data', { record: null }, /waits for the first leader/],
    ['a voter lost its data', { me: 'n3', record: OF_N1 }, /still counted/],
    ['the leader lost its data', { me: 'n1', record: OF_N1, isInitialLeader: true }, /its data is gone/],
    ['nobody is open to be copied', { record: { ...OF_N1, phase: 'promoting', target: LONE } }, /waits for a leader/],
    [
      'the record is gone and the group lived',
      { me: 'n1', hasData: true, found: { ...NEW, promise: 3 }, record: null, isInitialLeader: true },
      /set back or lost/,
    ],
    [
      'the cluster remembers a record',
      { me: 'n1', hasData: true, record: null, isInitialLeader: true, mayBegin: false },
      /had a record once/,
    ],
    ['new data, and etcd away', { me: 'n1', hasData: true, isInitialLeader: true }, /waits for etcd/],
    ['data of another database', { hasData: true, found: { ...NEW, systemId: 'other' }, record: OF_N1 }, /of another database/],
  ])('waits and says why when %s', async (_, world, reason) => {
    const { outcome, did, said } = await story(world);
    expect(outcome).toBe(null);
    expect(did).toEqual([]);
    expect(said.at(-1)).toMatch(reason);
  });

  it('starts without etcd when the member has promised before: a leader that runs goes on', async () => {
    const found: FoundMember = {
      ...NEW,
      promise: 4,
      postgres: { mode: 'primary', term: 2, setting: LONE, proven: false, admitting: true },
    };
    expect((await story({ me: 'n1', hasData: true, found })).outcome).toBe(found);
  });
});
