import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Routing } from '../../engines/haproxy/server-state.ts';
import type { GroupView } from '../../failover/group-view.ts';
import { type GroupRoutes, groupPlans, primaryPlan, replicasPlan, routeCommands } from './route-plan.ts';

const MB = 1024 * 1024;
const HOSTS = ['a1', 'b1', 'c1'];

function routes(
  leader: string | null,
  replicas: [string, number | null][],
  more: Partial<GroupRoutes> & { term?: number } = {},
): GroupRoutes {
  const { term = 5, ...others } = more;
  const place = (host: string) => ({ node: `replica_${host}`, host, address: `10.0.0.${host}`, port: 5432 });
  const view: GroupView = {
    group: 'main',
    leader: leader === null ? null : { ...place(leader), term },
    epoch: term,
    term,
    phase: 'open',
    lone: false,
    paused: false,
    replicas: replicas.map(([host, lagBytes]) => ({ ...place(host), lagBytes, counted: true })),
    proven: false,
  };
  return { view, routedTerm: null, absentMs: new Map(), ...others };
}

const servers = (...states: Routing[]) => new Map(HOSTS.map((host, index) => [host, states[index] ?? 'maint']));
const plain = (plan: ReadonlyMap<string, Routing> | null) => (plan === null ? null : Object.fromEntries(plan));

describe('the leader’s port', () => {
  it('is the leader’s alone', () => {
    expect(plain(primaryPlan(routes('b1', []), servers('ready')))).toEqual({ a1: 'maint', b1: 'ready', c1: 'maint' });
  });

  it('is nobody’s when the term of the routed leader is over, and stays as it is while nothing is known', () => {
    expect(primaryPlan(routes(null, []), servers('ready'))).toBeNull();
    expect(plain(primaryPlan(routes(null, [], { routedTerm: 4 }), servers('ready')))).toEqual({ a1: 'maint', b1: 'maint', c1: 'maint' });
  });

  it('gets nobody new while the leader of the routed term closes, and ends nobody', () => {
    expect(plain(primaryPlan(routes(null, [], { routedTerm: 5 }), servers('maint', 'ready')))).toEqual({
      a1: 'maint',
      b1: 'drain',
      c1: 'maint',
    });
  });

  it('property: one server at most is ready, and it is the leader', () => {
    const host = fc.constantFrom(...HOSTS);
    const state = fc.constantFrom<Routing>('ready', 'drain', 'maint');
    fc.assert(
      fc.property(fc.option(host), fc.array(state, { minLength: 3, maxLength: 3 }), fc.option(fc.nat(9)), (leader, states, routedTerm) => {
        const plan = primaryPlan(routes(leader, [], { routedTerm }), servers(...states));
        const ready = [...(plan ?? [])].filter(([, routing]) => routing === 'ready').map(([name]) => name);
        if (plan !== null) expect(ready).toEqual(leader === null ? [] : [leader]);
      }),
    );
  });
});

describe('the replicas’ port', () => {
  it('has the near ones, and the leader only for want of one', () => {
    expect(
      plain(
        replicasPlan(
          routes('a1', [
            ['b1', 0],
            ['c1', 40 * MB],
          ]),
          servers(),
        ),
      ),
    ).toEqual({ a1: 'drain', b1: 'ready', c1: 'maint' });
    expect(plain(replicasPlan(routes('a1', [['c1', 40 * MB]]), servers('drain', 'ready', 'ready')))).toEqual({
      a1: 'ready',
      b1: 'maint',
      c1: 'maint',
    });
  });

  it('lets one back in only well within the bound, so that one at the bound does not flap', () => {
    const at = (lag: number | null, state: Routing) => replicasPlan(routes('a1', [['b1', lag]]), servers('drain', state))?.get('b1');
    expect(at(12 * MB, 'ready')).toBe('ready');
    expect(at(12 * MB, 'maint')).toBe('maint');
    expect(at(8 * MB, 'maint')).toBe('ready');
    expect(at(null, 'ready')).toBe('ready');
    expect(at(null, 'maint')).toBe('maint');
  });

  it('bears a short absence, but not of a deposed leader', () => {
    const absent = (ms: number) => routes('c1', [], { absentMs: new Map([['b1', ms]]) });
    expect(plain(replicasPlan(absent(300), servers('ready', 'ready', 'ready')))).toEqual({ a1: 'maint', b1: 'ready', c1: 'drain' });
    expect(plain(replicasPlan(absent(1_500), servers('ready', 'ready', 'ready')))).toEqual({ a1: 'maint', b1: 'maint', c1: 'ready' });
  });
});

it('takes the others out, with their sessions, before it lets the new one in', () => {
  expect(
    routeCommands(
      'x',
      new Map([
        ['b1', 'ready'],
        ['a1', 'maint'],
        ['c1', 'drain'],
      ]),
    ),
  ).toEqual(['set server x/a1 state maint', 'shutdown sessions server x/a1', 'set server x/c1 state drain', 'set server x/b1 state ready']);
});

it('plans for the servers that HAProxy has, whatever the view names', () => {
  const states = new Map([['postgres_main_primary', new Map<string, Routing>([['a1', 'maint']])]]);
  const plans = groupPlans(routes('b1', [['z9', 0]]), states);
  expect(plans.map(({ backend, plan }) => [backend, plain(plan)])).toEqual([
    ['postgres_main_primary', { a1: 'maint' }],
    ['postgres_main_replicas', {}],
  ]);
});
