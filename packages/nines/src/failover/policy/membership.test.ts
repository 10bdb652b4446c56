/** The policy against the real rules: whatever dies and returns, in the end everybody votes who should. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../events.ts';
import { ARITHMETIC } from '../quorum.ts';
import { type GroupRecord, LONE, sameSet, type VoterSet } from '../record.ts';
import { bootState, type NodeState } from '../state.ts';
import { step } from '../step.ts';
import { TIMING } from '../timing.ts';
import { epochOpened, firstRecord, ledAgain, ledBy } from '../transitions.ts';
import { acksOf, isStandstill, type MemberFacts, membershipRequest, type MembershipInput, type Proposal, wayOut } from './membership.ts';

const EVERY_MS = 200;

type Health = 'well' | 'lagging' | 'silent' | 'down' | 'leaves' | 'disconnected';
const HEALTHS: Health[] = ['well', 'lagging', 'silent', 'down', 'leaves', 'disconnected'];

interface World {
  state: NodeState;
  input: MembershipInput;
  health: Map<string, Health>;
  asked: Proposal[];
}

function begin(record: GroupRecord, zones: Record<string, string>, durability: MembershipInput['durability'] = 'quorum'): World {
  const me = record.leader;
  const setting = record.target ?? (record.guards.at(-1) as VoterSet);
  const found = {
    promise: 0,
    taint: 0,
    postgres: { mode: 'primary', term: record.term, setting, proven: false, admitting: record.phase === 'open' },
  } as const;
  const state = { ...bootState(me, record.systemId, found), view: { revision: 1, record } };
  const others = Object.keys(zones).filter((node) => node !== me);
  return {
    state,
    asked: [],
    health: new Map(others.map((node) => [node, 'well'])),
    input: {
      ...{ record, me, durability, zone: zones[me] ?? '', recordMs: 0, quietMs: 0, etcdReachable: true, timing: TIMING },
      members: others.map((node) => factsOf(node, zones[node] ?? '', 'well', 0)),
    },
  };
}

function factsOf(node: string, zone: string, health: Health, missingMs: number): MemberFacts {
  const streams = health === 'well' || health === 'lagging' || health === 'leaves';
  return {
    ...{ node, zone, streams, alive: health !== 'silent', isDown: health === 'down', leaves: health === 'leaves' },
    ...{ lagBytes: streams ? (health === 'lagging' ? 2 ** 30 : 0) : null, missingMs: streams ? 0 : missingMs },
  };
}

/** One look of the leader: time passes, the policy asks, the core decides, PostgreSQL and etcd answer. */
function look(world: World): Proposal | null {
  const { input } = world;
  const members = input.members.map(({ node, zone, missingMs }) =>
    factsOf(node, zone, world.health.get(node) ?? 'silent', missingMs + EVERY_MS),
  );
  const record = world.state.view?.record as GroupRecord;
  const isSame = record === input.record;
  world.input = { ...input, members, record, recordMs: isSame ? input.recordMs + EVERY_MS : 0, quietMs: input.quietMs + EVERY_MS };
  const proposal = membershipRequest(world.input);
  if (proposal !== null) {
    world.asked.push(proposal);
    checkProposal(world, proposal);
    feed(world, { kind: 'request', request: proposal.request });
    const after = world.state.view?.record;
    expect(after, `refused: ${JSON.stringify(proposal)} on ${JSON.stringify(record)}`).not.toBe(record);
  }
  for (let at = 0; at < 6; at++) feed(world, { kind: 'tick', facts: { suspected: false, overdue: false, consent: false } });
  return proposal;
}

/** Runs the event and answers what it asks for; a proof is true only when the voters stream. */
function feed(world: World, event: Event): void {
  const { state, commands } = step(world.state, event);
  world.state = state;
  for (const command of commands) {
    if (command.kind === 'swap') {
      const view = { revision: command.revision + 1, record: command.record };
      feed(world, { kind: 'swapped', outcome: 'done', view });
    } else if (command.kind === 'reload') feed(world, { kind: 'reloaded', setting: command.setting });
    else if (command.kind === 'admit') feed(world, { kind: 'admitted' });
    else if (command.kind === 'prove') {
      const able = command.setting.voters.filter((node) => ['well', 'lagging', 'leaves'].includes(world.health.get(node) ?? ''));
      if (able.length >= command.setting.acks) feed(world, { kind: 'proved', setting: command.setting });
      else world.state = { ...world.state, acting: null };
    }
  }
}

function checkProposal({ input }: World, { request, reason }: Proposal): void {
  expect(reason).not.toBe('');
  const set = request.kind === 'change' ? request.set : request.kind === 'retarget' ? request.target : null;
  if (set === null) return;
  if (set.acks === 0) {
    expect(input.durability).not.toBe('strict');
    expect(input.quietMs).toBeGreaterThan(TIMING.loneMs);
    for (const { alive, isDown, missingMs } of input.members) {
      expect(!alive || isDown).toBe(true);
      expect(missingMs).toBeGreaterThan(TIMING.loneMs);
    }
    return;
  }
  // What is asked for must be able to acknowledge, or nobody could.
  const streams = input.members.filter((member) => set.voters.includes(member.node) && member.streams);
  if (request.kind === 'change') expect(streams.length).toBeGreaterThanOrEqual(set.acks);
}

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const THREE = { n1: 'a', n2: 'b', n3: 'c' };
const SET = { acks: 1, voters: ['n2', 'n3'] };
const open = (set: VoterSet): GroupRecord => firstRecord('s', 'n1', set, { term: 1, lsn: 1 });
const guards = (world: World): readonly VoterSet[] => world.state.view?.record.guards ?? [];
const looks = (world: World, forMs: number): void => {
  for (let at = 0; at < forMs / EVERY_MS; at++) look(world);
};

describe('from any state, by any way', () => {
  const faults = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(...HEALTHS), fc.integer({ min: 0, max: 12 })), {
    maxLength: 25,
  });
  const starts = fc.record({
    size: fc.integer({ min: 2, max: 5 }),
    durability: fc.constantFrom<MembershipInput['durability']>('quorum', 'strict', 'async'),
    isPromoting: fc.boolean(),
    isLone: fc.boolean(),
    oneZone: fc.boolean(),
  });

  it('everybody votes in the end, and every request passes the walls', () => {
    fc.assert(
      fc.property(starts, faults, ({ size, durability, isPromoting, isLone, oneZone }, steps) => {
        const nodes = NODES.slice(0, size);
        const zones = Object.fromEntries(nodes.map((node, at) => [node, oneZone ? 'a' : `z${at}`]));
        const set = { acks: acksOf(size - 1), voters: nodes.slice(1) };
        const first = isLone && !isPromoting ? open(LONE) : open(set);
        const record = isPromoting ? ledBy(ARITHMETIC, epochOpened(first, 'n2'), { node: 'n2', log: { term: 1, lsn: 1 } }) : first;
        const world = begin(record, zones, durability);
        for (const [index, health, rounds] of steps) {
          const node = [...world.health.keys()][index % world.health.size] as string;
          world.health.set(node, health);
          looks(world, rounds * EVERY_MS);
        }
        for (const node of world.health.keys()) world.health.set(node, 'well');
        looks(world, 6_000);
        expect(world.state.view?.record.phase).toBe('open');
        const voters = [...world.health.keys()].sort();
        expect(guards(world)).toEqual([{ acks: acksOf(voters.length), voters }]);
        const before = world.asked.length;
        looks(world, 2_000);
        expect(world.asked.length, 'at rest nothing is asked').toBe(before);
      }),
      { numRuns: 700 },
    );
  });

  it('with several members in a zone, whoever acknowledges, another zone has it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 4, maxLength: 4 }), fc.subarray(NODES.slice(1)), (others, gone) => {
        const zones = Object.fromEntries(NODES.map((node, at) => [node, at === 0 ? 'a' : (others[at - 1] as string)]));
        const world = begin(open(LONE), zones);
        looks(world, 3_000);
        for (const node of gone) world.health.set(node, 'silent');
        looks(world, 4_000);
        const [guard] = guards(world);
        const left = NODES.slice(1).filter((node) => !gone.includes(node));
        if (guard === undefined || guard.acks === 0 || left.every((node) => zones[node] === 'a')) return;
        expect(guard.voters.filter((node) => zones[node] === 'a').length).toBeLessThan(guard.acks);
      }),
      { numRuns: 300 },
    );
  });
});

it('five members, three lost at once: fewer acknowledge, then they leave', () => {
  const world = begin(open({ acks: 2, voters: NODES.slice(1) }), { n1: 'a', n2: 'b', n3: 'c', n4: 'd', n5: 'e' });
  for (const node of ['n3', 'n4', 'n5']) world.health.set(node, 'silent');
  looks(world, TIMING.voterGoneMs + 1_000);
  expect(guards(world)).toEqual([{ acks: 1, voters: ['n2'] }]);
});

describe('three members', () => {
  it('a voter that is gone leaves after its time, the last one stays', () => {
    const world = begin(open(SET), THREE);
    looks(world, 1_000);
    expect(world.asked).toEqual([]);
    world.health.set('n3', 'silent');
    looks(world, TIMING.voterGoneMs);
    expect(guards(world)).toEqual([SET]);
    looks(world, 600);
    expect(guards(world)).toEqual([{ acks: 1, voters: ['n2'] }]);
    world.health.set('n2', 'disconnected');
    looks(world, 60_000);
    expect(guards(world)).toEqual([{ acks: 1, voters: ['n2'] }]);
  });

  it('a voter whose PostgreSQL streams no more leaves too, though its agent lives; so does one that asks for it', () => {
    for (const health of ['disconnected', 'down', 'leaves'] as const) {
      const world = begin(open(SET), THREE);
      world.health.set('n2', health);
      looks(world, TIMING.voterGoneMs + 1_000);
      expect(guards(world)).toEqual([{ acks: 1, voters: ['n3'] }]);
    }
  });

  it('a member that is far behind does not vote yet', () => {
    const world = begin(open({ acks: 1, voters: ['n2'] }), THREE);
    world.health.set('n3', 'lagging');
    looks(world, 5_000);
    expect(world.asked).toEqual([]);
  });

  it.each([
    ['quorum', 'silent', true],
    ['quorum', 'down', true],
    ['async', 'silent', true],
    ['strict', 'silent', false],
    ['quorum', 'disconnected', false],
  ] as const)('%s, the others %s: the leader goes on alone: %s', (durability, health, goesLone) => {
    const world = begin(open(SET), THREE, durability);
    for (const node of ['n2', 'n3']) world.health.set(node, health);
    looks(world, TIMING.loneMs);
    expect(guards(world).some(({ acks }) => acks === 0)).toBe(false);
    looks(world, 1_000);
    expect(sameSet(guards(world)[0] as VoterSet, LONE)).toBe(goesLone);
  });

  it('does not go on alone without etcd, nor soon after an epoch was opened', () => {
    for (const more of [{ etcdReachable: false }, { quietMs: -5_000 }]) {
      const world = begin(open(SET), THREE);
      world.input = { ...world.input, ...more };
      for (const node of ['n2', 'n3']) world.health.set(node, 'silent');
      looks(world, TIMING.loneMs + 1_000);
      expect(guards(world)).toEqual([SET]);
    }
  });

  it('a change whose needed voter died is taken back', () => {
    const joint: GroupRecord = { ...open(SET), guards: [SET, { acks: 1, voters: ['n2'] }] };
    const world = begin(joint, THREE);
    world.health.set('n2', 'silent');
    looks(world, TIMING.voterGoneMs + 600);
    expect(world.asked[0]?.request).toEqual({ kind: 'reverse' });
    looks(world, 3_000);
    expect(guards(world)).toEqual([{ acks: 1, voters: ['n3'] }]);
  });

  describe('a change that can be proven neither way', () => {
    const JOINTS: [VoterSet, VoterSet][] = [
      [SET, { acks: 1, voters: ['n3'] }],
      [{ acks: 1, voters: ['n2'] }, SET],
    ];
    const stuck = (joint: readonly VoterSet[], durability: MembershipInput['durability'], health: Health, n4: Health = 'silent') => {
      const world = begin({ ...open(SET), guards: joint }, { ...THREE, n4: 'd' }, durability);
      world.health.set('n2', health).set('n3', health).set('n4', n4);
      looks(world, TIMING.voterGoneMs + 600);
      expect(world.asked).toEqual([]);
      return world.input;
    };

    it('has a way out after its time, and not before', () => {
      for (const joint of JOINTS) {
        for (const health of ['silent', 'down', 'disconnected'] as const) {
          const input = stuck(joint, 'quorum', health);
          expect(isStandstill(input)).toBe(true);
          expect(wayOut(input, TIMING.loneMs)).toBeNull();
          expect(wayOut(input, TIMING.loneMs + 1)).toContain('could be proven neither way');
          expect(wayOut({ ...input, etcdReachable: false }, TIMING.loneMs + 1)).toBeNull();
          expect(wayOut({ ...input, record: epochOpened(input.record, 'n2') }, TIMING.loneMs + 1)).toBeNull();
        }
      }
    });

    it('strict: only when somebody else could be the target', () => {
      for (const joint of JOINTS) {
        expect(wayOut(stuck(joint, 'strict', 'silent'), TIMING.loneMs + 1)).toBeNull();
        expect(wayOut(stuck(joint, 'strict', 'down', 'down'), TIMING.loneMs + 1)).toBeNull();
        expect(wayOut(stuck(joint, 'strict', 'silent', 'well'), TIMING.loneMs + 1)).not.toBeNull();
      }
    });

    it('is none that one of its own voters could finish or take back, and none of another phase', () => {
      for (const joint of JOINTS) {
        const input = stuck(joint, 'quorum', 'silent');
        for (const node of joint.flatMap(({ voters }) => voters)) {
          const members = input.members.map((member) => (member.node === node ? factsOf(node, member.zone, 'well', 0) : member));
          expect(isStandstill({ ...input, members })).toBe(false);
        }
        const elected = epochOpened(input.record, 'n2');
        expect(isStandstill({ ...input, record: elected })).toBe(true);
        expect(isStandstill({ ...input, me: 'n2' })).toBe(false);
        expect(isStandstill({ ...input, record: ledAgain(ARITHMETIC, input.record, { term: 1, lsn: 1 }) })).toBe(false);
      }
      expect(isStandstill(begin(open(SET), THREE).input)).toBe(false);
    });
  });

  it('a change that can be finished is left alone', () => {
    const { input } = begin({ ...open(SET), guards: [SET, { acks: 1, voters: ['n2'] }] }, THREE);
    expect(membershipRequest({ ...input, recordMs: 60_000 })).toBeNull();
  });

  it('strict: back to nobody only on the way to somebody', () => {
    for (const [health, request] of [
      ['well', { kind: 'reverse' }],
      ['silent', undefined],
    ] as const) {
      const world = begin({ ...open(LONE), guards: [LONE, { acks: 1, voters: ['n2'] }] }, THREE, 'strict');
      world.health.set('n2', 'silent').set('n3', health);
      looks(world, TIMING.voterGoneMs + 600);
      expect(world.asked[0]?.request).toEqual(request);
    }
  });

  it('a new leader gives its target time to come, then takes who streams, else who lives', () => {
    const record = ledBy(ARITHMETIC, epochOpened(open(SET), 'n2'), { node: 'n2', log: { term: 1, lsn: 1 } });
    const onOld = { kind: 'retarget', target: { acks: 1, voters: ['n1'] } };
    const late = begin(record, THREE);
    late.health.set('n3', 'disconnected');
    looks(late, TIMING.voterGoneMs);
    expect(late.asked).toEqual([]);
    looks(late, 400);
    expect(late.asked[0]?.request).toEqual(onOld);
    const living = begin(record, THREE);
    living.health.set('n3', 'silent').set('n1', 'disconnected');
    looks(living, 600);
    expect(living.asked.map(({ request }) => request)).toEqual([onOld]);
  });

  it('a new leader whose target died anchors on the old leader when that returns, and alone when nobody does', () => {
    const record = ledBy(ARITHMETIC, epochOpened(open(SET), 'n2'), { node: 'n2', log: { term: 1, lsn: 1 } });
    expect(record.target).toEqual({ acks: 1, voters: ['n3'] });
    const returned = begin(record, THREE);
    returned.health.set('n3', 'silent');
    looks(returned, 400);
    expect(returned.asked[0]?.request).toEqual({ kind: 'retarget', target: { acks: 1, voters: ['n1'] } });
    expect(returned.state.view?.record.phase).toBe('open');
    const alone = begin(record, THREE);
    for (const node of ['n1', 'n3']) alone.health.set(node, 'silent');
    looks(alone, TIMING.loneMs);
    expect(alone.state.view?.record.phase).toBe('promoting');
    looks(alone, 1_000);
    expect(alone.state.view?.record).toMatchObject({ phase: 'open', guards: [LONE] });
  });

  it('nothing is asked by who does not lead, nor while electing', () => {
    const world = begin(open(LONE), THREE);
    expect(membershipRequest({ ...world.input, me: 'n2' })).toBeNull();
    expect(membershipRequest({ ...world.input, record: epochOpened(open(SET), 'n2') })).toBeNull();
  });
});
