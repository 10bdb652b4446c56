/** What is explored: each scope is complete for its bounds when the explorer says so. */
import type { Request } from '../src/failover/events.ts';
import type { Scope } from './world.ts';

const CALM = { writes: 1, exits: 0, restarts: 0, losses: 0, requests: 0 };

const set = (acks: number, ...voters: string[]) => ({ acks, voters });
const change = (acks: number, ...voters: string[]): Request => ({ kind: 'change', set: set(acks, ...voters) });

const THREE = { nodes: 3, acks: 1, keepsOldMail: false, requests: [] };

/** Smallest first. */
export const SCOPES: readonly Scope[] = [
  { ...THREE, name: 'election', what: 'one election, two writes', epochs: 2, budget: { ...CALM, writes: 2 } },
  { ...THREE, name: 'loss', what: 'one swap unanswered', epochs: 2, budget: { ...CALM, losses: 1 } },
  { ...THREE, name: 'old-mail', what: 'letters of decided epochs arrive', epochs: 2, keepsOldMail: true, budget: CALM },
  { ...THREE, name: 'exit', what: 'one PostgreSQL exits', epochs: 2, budget: { ...CALM, exits: 1 } },
  { ...THREE, name: 'restart', what: 'one host or agent restarts', epochs: 2, budget: { ...CALM, restarts: 1 } },
  {
    ...THREE,
    name: 'change',
    what: 'one membership change, perhaps reversed',
    epochs: 2,
    budget: { ...CALM, requests: 2 },
    requests: [change(2, 'n2', 'n3'), change(1, 'n2'), change(1, 'n1', 'n2', 'n3'), { kind: 'reverse' }],
  },
  {
    ...THREE,
    name: 'lone',
    what: 'the leader goes lone and comes back',
    epochs: 2,
    budget: { ...CALM, requests: 2 },
    requests: [change(0), change(1, 'n2')],
  },
  {
    ...THREE,
    name: 'retarget',
    what: 'a new leader anchors on others',
    epochs: 2,
    budget: { ...CALM, requests: 1, losses: 1 },
    requests: [
      { kind: 'retarget', target: set(1, 'n1') },
      { kind: 'retarget', target: set(1, 'n3') },
      { kind: 'retarget', target: set(1, 'n2') },
    ],
  },
  {
    ...THREE,
    name: 'switchover',
    what: 'the leader hands over',
    epochs: 2,
    budget: { ...CALM, requests: 1 },
    requests: [{ kind: 'switchover', to: 'n2' }],
  },
  { ...THREE, name: 'two-elections', what: 'two elections', epochs: 3, budget: CALM },
];

/** n2 has fenced both voters. */
const ASKED_BY_N2 = ['n2 suspects', 'etcd takes electing 2/1 of n2', 'n3 hears ask 2 of n2', 'n2 does fence (0)', 'n3 does fence (0)'];

/** n2 wins an election that n1 does not notice. */
const WON_BY_N2 = [...ASKED_BY_N2, 'n2 hears promise 2 of n3', 'etcd takes promoting 2/2 of n2'];
const TAKEN_BY_N2 = [...WON_BY_N2, 'n2 does promote (0)'];

/** Narrow ways to one thing each. */
const NARROW_SCOPES: readonly Scope[] = [
  {
    ...THREE,
    name: 'mixed-setting',
    what: 'four nodes, acks 2, walsenders with different settings',
    nodes: 4,
    acks: 2,
    voters: ['n2', 'n3'],
    candidates: ['n3'],
    epochs: 2,
    budget: { ...CALM, requests: 1 },
    requests: [change(2, 'n3', 'n4'), change(2, 'n2', 'n3', 'n4')],
  },
  {
    ...THREE,
    name: 'change-elections',
    what: 'two elections over a change of acks',
    candidates: ['n2'],
    epochs: 3,
    budget: { ...CALM, requests: 1 },
    requests: [change(2, 'n2', 'n3')],
  },
  {
    ...THREE,
    name: 'long-tail',
    what: 'the deposed votes with a long tail that nobody acknowledged',
    candidates: ['n1', 'n2'],
    epochs: 3,
    budget: { ...CALM, writes: 3, requests: 1 },
    requests: [{ kind: 'retarget', target: set(1, 'n1', 'n3') }],
    prologue: [...Array<string>(2).fill('n1 writes'), ...TAKEN_BY_N2, 'n2 is asked to retarget to ANY 1 (n1, n3)'],
  },
  {
    ...THREE,
    name: 'change-restart',
    what: 'a change, reversed, by an agent that restarts',
    epochs: 1,
    budget: { ...CALM, restarts: 1, requests: 2 },
    fragile: ['n1'],
    requests: [change(2, 'n2', 'n3'), { kind: 'reverse' }],
  },
  {
    ...THREE,
    name: 'reversed-twice',
    what: 'a change, reversed again and again; no election',
    epochs: 1,
    budget: { ...CALM, requests: 3 },
    requests: [change(2, 'n2', 'n3'), { kind: 'reverse' }],
  },
  {
    ...THREE,
    name: 'retargeted-twice',
    what: 'a new leader is told to anchor elsewhere and back',
    candidates: [],
    epochs: 2,
    budget: { ...CALM, requests: 2 },
    requests: [
      { kind: 'retarget', target: set(1, 'n1') },
      { kind: 'retarget', target: set(1, 'n3') },
    ],
    prologue: WON_BY_N2,
  },
  {
    ...THREE,
    name: 'old-reports',
    what: 'letters of a refuted election arrive in the next one',
    candidates: ['n2'],
    epochs: 4,
    keepsOldMail: true,
    budget: CALM,
    prologue: [...ASKED_BY_N2, 'n1 reads', 'n1 has consent', 'etcd takes open 3/1 of n1'],
  },
  {
    ...THREE,
    name: 'first',
    what: 'a lone leader exits while it takes up its first voter',
    acks: 0,
    voters: [],
    candidates: ['n2'],
    epochs: 3,
    budget: { ...CALM, exits: 1, requests: 1 },
    requests: [change(1, 'n2')],
  },
  {
    ...THREE,
    name: 'reinit',
    what: 'a standby is rebuilt by order while it becomes a voter',
    voters: ['n2'],
    candidates: ['n2'],
    epochs: 2,
    budget: { ...CALM, requests: 2 },
    requests: [change(1, 'n2', 'n3'), change(2, 'n2', 'n3'), { kind: 'reinit' }],
  },
  {
    ...THREE,
    name: 'force',
    what: 'an operator makes a standby lead whatever the guards say',
    candidates: ['n3'],
    epochs: 3,
    budget: { ...CALM, requests: 1 },
    requests: [{ kind: 'force' }],
    allowsLoss: true,
  },
  {
    ...THREE,
    name: 'force-lone',
    what: 'an operator replaces a lone leader',
    acks: 0,
    voters: [],
    epochs: 3,
    budget: { ...CALM, requests: 1 },
    requests: [{ kind: 'force' }],
    allowsLoss: true,
  },
  {
    ...THREE,
    name: 'tainted',
    what: 'the winner restarts while it promotes, and another takes over',
    candidates: ['n3'],
    fragile: ['n2'],
    epochs: 3,
    budget: { ...CALM, writes: 0, restarts: 1 },
    prologue: WON_BY_N2,
  },
];

/** An acknowledged write that n3 does not have. */
const WRITTEN_TO_N2 = ['n1 writes', 'n2 streams'];

/** Second elections, from the moment in which the first one was won: what would take too long from the beginning. */
const SECOND_SCOPES: readonly Scope[] = [
  {
    ...THREE,
    name: 'second',
    what: 'a second election',
    epochs: 3,
    budget: { ...CALM, writes: 2 },
    prologue: [...WRITTEN_TO_N2, ...WON_BY_N2],
  },
  {
    ...THREE,
    name: 'second-exit',
    what: 'a second election or retake, one exit',
    epochs: 3,
    budget: { ...CALM, exits: 1 },
    prologue: [...WRITTEN_TO_N2, ...WON_BY_N2],
  },
  {
    ...THREE,
    name: 'second-restart',
    what: 'a second election or retake, one restart',
    epochs: 3,
    budget: { ...CALM, restarts: 1 },
    prologue: [...WRITTEN_TO_N2, ...WON_BY_N2],
  },
  {
    ...THREE,
    name: 'second-loss',
    what: 'a second election, two swaps unanswered',
    epochs: 3,
    budget: { ...CALM, losses: 2 },
    prologue: [...WRITTEN_TO_N2, ...WON_BY_N2],
  },
];

/** Longer than a test may take. */
const LONG_SCOPES: readonly Scope[] = [
  { ...THREE, name: 'two-elections-exit', what: 'two elections, one exit', epochs: 3, budget: { ...CALM, exits: 1 } },
  { ...THREE, name: 'two-elections-restart', what: 'two elections, one restart', epochs: 3, budget: { ...CALM, restarts: 1 } },
];

const FIVE = { nodes: 5, acks: 2, keepsOldMail: false, requests: [] };

/** Five nodes, two acknowledgements: a fence takes three of four voters, so one may be left behind with a tail that nobody has. */
const FIVE_SCOPES: readonly Scope[] = [
  { ...FIVE, name: 'five', what: 'five nodes, acks 2, one election; one candidate', candidates: ['n2'], epochs: 2, budget: CALM },
  {
    ...FIVE,
    name: 'five-second',
    what: 'five nodes, acks 2, another takes over from the first winner',
    candidates: ['n3'],
    epochs: 3,
    budget: CALM,
    prologue: [
      'n1 writes',
      ...['n2', 'n3', 'n4', 'n5'].map((node) => `${node} streams`),
      ...['n2 suspects', 'etcd takes electing 2/1 of n2', 'n3 hears ask 2 of n2', 'n4 hears ask 2 of n2'],
      ...['n2 does fence (0)', 'n3 does fence (0)', 'n4 does fence (0)', 'n2 hears promise 2 of n3', 'n2 hears promise 2 of n4'],
      'etcd takes promoting 2/2 of n2',
    ],
  },
];

export const EVERY_SCOPE: readonly Scope[] = [...SCOPES, ...NARROW_SCOPES, ...SECOND_SCOPES, ...FIVE_SCOPES, ...LONG_SCOPES];
