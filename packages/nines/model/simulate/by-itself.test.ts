/** What nothing heals but the group itself: each of these was stuck for ever once. */
import { describe, expect, it } from 'vitest';
import { TIMING } from '../../src/failover/timing.ts';
import { UNCHANGED } from '../unchanged.ts';
import { makeModel, type Scope } from '../world.ts';
import { Agents } from './agents.ts';
import { illness, unserved } from './health.ts';
import { Random } from './random.ts';
import { Simulation } from './simulation.ts';

const TIMEOUT_MS = 60_000;
const SEEDS = [1, 2, 3, 4, 5];
const SETTLE_MS = 5_000;
/** Lone is decided twice: for the way out, and for the new term. */
const WAY_OUT_MS = 2 * TIMING.loneMs + 5_000;

const scope = (nodes: number): Scope => ({
  ...{ name: 'by itself', what: '', nodes, acks: 1, epochs: Number.POSITIVE_INFINITY, requests: [], keepsOldMail: true },
  budget: { writes: 0, exits: 0, restarts: 1, losses: 0, requests: 0 },
});

function begin(seed: number, nodes: number) {
  const simulation = new Simulation(makeModel({ scope: scope(nodes), ...UNCHANGED, watch: () => {} }), new Random(seed));
  const agents = new Agents(simulation);
  const record = () => simulation.world.etcd.record;
  const until = (isOver: () => boolean, ms: number): boolean => {
    simulation.runUntil(simulation.nowMs + ms, isOver);
    return isOver();
  };
  const off = (names: readonly string[]): void => {
    for (const name of names) if (!simulation.isOff(name)) simulation.restart(name, Number.POSITIVE_INFINITY);
  };
  const on = (names: readonly string[]): void => {
    for (const name of names) simulation.restart(name, 100);
  };
  const isWell = (): boolean => illness(simulation, agents) === null;
  expect(until(isWell, SETTLE_MS * 4)).toBe(true);
  return { simulation, record, until, off, on, isWell, others: simulation.names.filter((name) => name !== record().leader) };
}

describe('a change of the voters whose voters are all gone', () => {
  it.each(SEEDS)(
    'on the way to fewer (seed %i): the leader takes a new term and goes on alone, and all return',
    (seed) => {
      const { simulation, record, until, off, on, isWell, others } = begin(seed, 3);
      off(others.slice(1));
      expect(until(() => record().guards.length === 2, SETTLE_MS)).toBe(true);
      off(others);
      const { term, leader } = record();
      expect(until(() => record().term > term && unserved(simulation) === null, WAY_OUT_MS)).toBe(true);
      expect(record()).toMatchObject({ leader, guards: [{ acks: 0, voters: [] }] });
      on(others);
      expect(until(isWell, WAY_OUT_MS)).toBe(true);
      expect(simulation.broken).toBeNull();
    },
    TIMEOUT_MS,
  );

  it.each(SEEDS)(
    'on the way to more (seed %i): as well',
    (seed) => {
      const { simulation, record, until, off, on, isWell, others } = begin(seed, 3);
      off(others.slice(1));
      expect(until(() => record().guards.length === 1 && record().guards[0]?.voters.length === 1, SETTLE_MS)).toBe(true);
      on(others.slice(1));
      expect(until(() => record().guards.length === 2, SETTLE_MS)).toBe(true);
      off(others);
      const { term } = record();
      expect(until(() => record().term > term && unserved(simulation) === null, WAY_OUT_MS)).toBe(true);
      on(others);
      expect(until(isWell, WAY_OUT_MS)).toBe(true);
      expect(simulation.broken).toBeNull();
    },
    TIMEOUT_MS,
  );
});

/** Ten seconds of silence, a copy, and the way back to the voters. */
const RENEWED_MS = 20_000;

describe('a standby whose next log is kept no longer', () => {
  it.each(SEEDS)(
    'copies the leader anew, and counts again (seed %i)',
    (seed) => {
      const { simulation, record, until, off, on, isWell, others } = begin(seed, 3);
      const stale = others.slice(1);
      off(stale);
      expect(until(() => record().guards.length === 1 && record().guards[0]?.voters.length === 1, SETTLE_MS)).toBe(true);
      for (const name of stale) simulation.recycled.add(name);
      on(stale);
      expect(until(isWell, RENEWED_MS)).toBe(true);
      expect(simulation.recycled.size).toBe(0);
      expect(simulation.broken).toBeNull();
    },
    TIMEOUT_MS,
  );

  it(
    'does so behind a new leader that never kept it for anybody',
    () => {
      const { simulation, record, until, off, on, isWell, others } = begin(6, 5);
      const [stale = '', ...rest] = others;
      off([stale]);
      expect(until(() => record().guards.length === 1 && record().guards[0]?.voters.length === 3, SETTLE_MS * 2)).toBe(true);
      const { leader } = record();
      off([leader]);
      expect(until(() => record().leader !== leader && record().phase === 'open', SETTLE_MS)).toBe(true);
      expect(rest).toContain(record().leader);
      simulation.recycled.add(stale);
      on([stale, leader]);
      expect(until(isWell, RENEWED_MS + SETTLE_MS)).toBe(true);
      expect(simulation.recycled.size).toBe(0);
    },
    TIMEOUT_MS,
  );
});
