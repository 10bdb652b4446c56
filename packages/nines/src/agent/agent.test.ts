/** The agent's loop over real processes of the machine's own tools, as the user who runs the test. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine, UnitContext, UnitPlan } from '../engines/engine.ts';
import { certificatePaths } from '../identity/identity.ts';
import type { ClusterSpec, EngineName, PlacedUnit } from '../topology/cluster-spec.ts';
import { Agent } from './agent.ts';
import { DesiredState, saveSpec } from './desired-state.ts';
import type { UnitState } from './host-state.ts';
import { isAlive, readProcess } from './process.ts';
import { spawnUnit } from './spawn.ts';
import { UnitRecords } from './unit-record.ts';

const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

describe('agent', () => {
  let dir = '';
  let agents: Agent[] = [];
  let events: string[] = [];
  /** What each unit runs; by its name. */
  let programs: Record<string, { argv: string[]; after?: string[]; stopTimeoutMs?: number; env?: Record<string, string> }> = {};
  let unready = new Set<string>();
  const unplannable = new Set<string>();
  const hanging = new Set<string>();
  let onReady: (name: string) => Promise<void>;

  const planOf = (name: string): UnitPlan => ({
    name,
    engine: 'service',
    after: programs[name]?.after ?? [],
    argv: programs[name]?.argv ?? [],
    env: programs[name]?.env ?? {},
    cwd: '/',
    user: me,
    directories: [],
    files: [],
    stop: { signal: 'SIGTERM', timeoutMs: programs[name]?.stopTimeoutMs ?? 2_000 },
    startTimeoutMs: 5_000,
    reloadSignal: null,
    listens: [],
  });
  const engine: Engine = {
    plan: ({ unit }) => {
      if (unplannable.has(unit.name)) throw new Error('told so');
      return planOf(unit.name);
    },
    observe: async ({ unit }) => {
      if (hanging.has(unit.name)) await new Promise(() => undefined);
      if (unready.has(unit.name)) return { ready: false, live: true, reason: 'told so' };
      events.push(`${unit.name} seen`);
      return { ready: true, live: true, reason: 'runs' };
    },
    onReady: ({ unit }) => onReady(unit.name),
  };

  const unitOf = (name: string): PlacedUnit => ({
    name,
    engine: 'service',
    group: null,
    host: 'h',
    ordinal: 0,
    slot: 0,
    initialLeader: false,
    reason: '',
  });
  const specOf = (revision: number, names: string[]) =>
    ({
      revision,
      topology: { name: 't' },
      hosts: { h: { address: '127.0.0.1', zone: 'z', region: 'r' } },
      gatewayAddress: null,
      networkPrefix: 24,
      placement: { units: names.map(unitOf) },
      restarts: {},
      holds: [],
    }) as unknown as ClusterSpec;

  let desired: DesiredState;
  const start = (): Agent => {
    const agent = new Agent({
      host: 'h',
      paths: { dataDir: dir, runDir: join(dir, 'run'), projectDir: dir, nodeFile: process.execPath },
      desired,
      secrets: { postgres: {}, redis: {}, services: {}, other: {} },
      engines: { service: engine } as unknown as Record<EngineName, Engine>,
      certificate: (name) => certificatePaths(dir, name),
      certificates: [],
      firstTime: { mayBegin: async () => true, done: async () => undefined },
      beforeStart: async (_context: UnitContext) => undefined,
      log: (unit, message) => void events.push(`${unit}: ${message}`),
    });
    agents.push(agent);
    return agent;
  };
  const want = (names: string[], revision = 1): void => {
    saveSpec(join(dir, 'desired.json'), specOf(revision, names));
    desired = new DesiredState(join(dir, 'desired.json'), 'h');
  };
  const unit = (agent: Agent, name: string): UnitState | undefined => agent.state().units.find((one) => one.name === name);
  const until = async (what: string, holds: () => boolean, timeoutMs = 8_000): Promise<void> => {
    const limit = performance.now() + timeoutMs;
    while (!holds()) {
      if (performance.now() > limit) throw new Error(`never: ${what}\n${events.join('\n')}`);
      await delay(10);
    }
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nines-agent-'));
    [agents, events, unready] = [[], [], new Set()];
    unplannable.clear();
    hanging.clear();
    onReady = async () => undefined;
    programs = { a: { argv: ['/bin/sleep', '1000'] }, b: { argv: ['/bin/sleep', '1001'], after: ['a'] } };
  });
  afterEach(async () => {
    const last = agents.at(-1);
    if (last !== undefined && desired.accept(specOf(1_000, []))) {
      last.plan();
      await until('everything stopped', () => last.state().units.length === 0);
    }
    for (const agent of agents) agent.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('starts in the order of dependencies', async () => {
    want(['a', 'b']);
    unready.add('a');
    const agent = start();
    await until('a starts', () => unit(agent, 'a')?.condition === 'starting');
    expect(unit(agent, 'b')).toMatchObject({ condition: 'stopped', reason: 'waits for a' });
    unready.delete('a');
    await until('b is ready', () => unit(agent, 'b')?.ready === true);
  });

  it('starts a killed process again at once', async () => {
    want(['a']);
    const agent = start();
    await until('a is ready', () => unit(agent, 'a')?.ready === true);
    const before = unit(agent, 'a')?.pid as number;
    process.kill(before, 'SIGKILL');
    await until('another process is ready', () => unit(agent, 'a')?.ready === true && unit(agent, 'a')?.pid !== before, 1_500);
    expect(unit(agent, 'a')?.restarts).toBe(1);
  });

  it('leaves its units to the next agent, which adopts them and notices when they end', async () => {
    want(['a']);
    const first = start();
    await until('a is ready', () => unit(first, 'a')?.ready === true);
    const { pid } = unit(first, 'a') as UnitState;
    first.close();
    const second = start();
    await until('a is ready again', () => unit(second, 'a')?.ready === true);
    expect(unit(second, 'a')).toMatchObject({ pid, restarts: 0 });
    process.kill(pid as number, 'SIGKILL');
    await until('a new process', () => unit(second, 'a')?.ready === true && unit(second, 'a')?.pid !== pid, 1_500);
  });

  it('finds what an agent started and did not live to record', async () => {
    want(['a']);
    const plan = planOf('a');
    const spawned = await spawnUnit(plan, join(dir, 'logs', 'a.log'));
    const records = new UnitRecords(join(dir, 'run'));
    records.write({
      name: 'a',
      engine: 'service',
      after: [],
      stop: plan.stop,
      restartHash: '',
      reloadHash: '',
      restartCount: 0,
      startedAtMs: 0,
      id: null,
    });
    const agent = start();
    await until('it is replaced, since nobody knows what it was started with', () => {
      const now = unit(agent, 'a');
      return now?.ready === true && now.pid !== spawned.id.pid;
    });
    expect(isAlive(spawned.id)).toBe(false);
  });

  it('never takes another process for its unit, although the pid is the same', async () => {
    want(['a']);
    const stranger = await spawnUnit({ ...planOf('a'), argv: ['/bin/sleep', '1000'] }, join(dir, 'stranger.log'));
    const records = new UnitRecords(join(dir, 'run'));
    const id = { pid: stranger.id.pid, startTimeTicks: stranger.id.startTimeTicks - 1 };
    records.write({
      name: 'a',
      engine: 'service',
      after: [],
      stop: planOf('a').stop,
      restartHash: '',
      reloadHash: '',
      restartCount: 0,
      startedAtMs: 0,
      id,
    });
    const agent = start();
    await until('a process of its own', () => unit(agent, 'a')?.ready === true);
    expect(unit(agent, 'a')?.pid).not.toBe(stranger.id.pid);
    expect(isAlive(stranger.id)).toBe(true);
    process.kill(stranger.id.pid, 'SIGKILL');
    await stranger.exited;
  });

  it('backs off from a process that keeps dying, and says that it loops', async () => {
    programs['a'] = { argv: ['/bin/false'] };
    unready.add('a');
    want(['a']);
    const agent = start();
    await until('it is called a crash loop', () => unit(agent, 'a')?.condition === 'crash-looping');
    expect(unit(agent, 'a')?.restarts).toBeLessThan(8);
  });

  it('replaces a process whose settings changed and leaves the other alone', async () => {
    want(['a', 'b']);
    const agent = start();
    await until('both are ready', () => agent.state().units.every((one) => one.ready));
    const [a, b] = [unit(agent, 'a')?.pid, unit(agent, 'b')?.pid];
    programs['a'] = { argv: ['/bin/sleep', '1000'], env: { NEW: '1' } };
    desired.accept(specOf(2, ['a', 'b']));
    agent.plan();
    await until('a is another process', () => unit(agent, 'a')?.ready === true && unit(agent, 'a')?.pid !== a);
    expect(unit(agent, 'b')?.pid).toBe(b);
  });

  it('calls a unit unready that cannot be observed in time, and looks again', async () => {
    want(['a']);
    const agent = start();
    await until('a is ready', () => unit(agent, 'a')?.ready === true);
    hanging.add('a');
    await until('a is not ready any more', () => unit(agent, 'a')?.ready === false);
    expect(unit(agent, 'a')).toMatchObject({ condition: 'unready', reason: expect.stringContaining('could not be observed') });
    hanging.clear();
    await until('a is ready again', () => unit(agent, 'a')?.ready === true);
  });

  it('sets every process up, also one that came while the last one was being set up', async () => {
    let calls = 0;
    const first = Promise.withResolvers<void>();
    onReady = async () => {
      calls += 1;
      if (calls === 1) await first.promise;
    };
    want(['a']);
    const agent = start();
    await until('the first is being set up', () => calls === 1);
    const before = unit(agent, 'a')?.pid as number;
    unready.add('a');
    process.kill(before, 'SIGKILL');
    await until('there is another', () => (unit(agent, 'a')?.pid ?? before) !== before);
    first.resolve();
    await delay(20);
    unready.delete('a');
    await until('it is ready', () => unit(agent, 'a')?.ready === true);
    expect(calls).toBe(2);
  });

  it('says what set-up failed, and tries again', async () => {
    let calls = 0;
    onReady = async () => {
      calls += 1;
      if (calls < 3) throw new Error('no such role');
    };
    want(['a']);
    const agent = start();
    await until('it says so', () => unit(agent, 'a')?.reason === 'is up, but could not be set up: no such role');
    await until('it is ready', () => unit(agent, 'a')?.ready === true);
  });

  it('leaves alone what runs when its new plan cannot be made', async () => {
    want(['a', 'b']);
    const first = start();
    await until('both are ready', () => first.state().units.length === 2 && first.state().units.every((one) => one.ready));
    const pids = first.state().units.map(({ pid }) => pid);
    unplannable.add('a');
    desired.accept(specOf(2, ['a', 'b']));
    first.plan();
    await until('it has tried', () => events.includes('a: cannot be planned: told so') && first.state().revision === 2);
    await delay(50);
    expect(first.state().units.map(({ pid }) => pid)).toEqual(pids);
    first.close();
    const second = start();
    await until('b is ready', () => unit(second, 'b')?.ready === true);
    await delay(50);
    expect(second.state().units.map(({ pid }) => pid)).toEqual(pids);
    unplannable.delete('a');
    desired.accept(specOf(3, ['a', 'b']));
    second.plan();
    await until('a is ready', () => unit(second, 'a')?.ready === true);
    expect(second.state().units.map(({ pid }) => pid)).toEqual(pids);
  });

  it('names a revision only when the states beside it are of that one', async () => {
    want(['a']);
    const agent = start();
    await until('a is ready', () => unit(agent, 'a')?.ready === true);
    programs['a'] = { argv: ['/bin/sleep', '1000'], env: { NEW: '1' } };
    desired.accept(specOf(2, ['a']));
    agent.plan();
    expect(agent.state()).toMatchObject({ revision: 1 });
    const limit = performance.now() + 5_000;
    // Not by `until`: it looks every 10 ms, and the first state of revision 2 is what counts.
    while (agent.state().revision !== 2 && performance.now() < limit) await new Promise((resolve) => setImmediate(resolve));
    expect(agent.state()).toMatchObject({ revision: 2, units: [{ ready: false }] });
    await until('a is ready again', () => unit(agent, 'a')?.ready === true);
  });

  it('stops what is not wanted any more, dependents first, and kills what does not listen', async () => {
    const stubborn = join(dir, 'stubborn.mjs');
    writeFileSync(stubborn, "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('deaf');");
    programs['a'] = { argv: [process.execPath, stubborn], stopTimeoutMs: 300 };
    want(['a', 'b']);
    const agent = start();
    await until('both are ready', () => agent.state().units.length === 2 && agent.state().units.every((one) => one.ready));
    await until(
      'a is deaf',
      () => existsSync(join(dir, 'logs', 'a.log')) && readFileSync(join(dir, 'logs', 'a.log'), 'utf8').includes('deaf'),
    );
    desired.accept(specOf(2, []));
    agent.plan();
    await until('both are gone', () => agent.state().units.length === 0);
    const stopping = events.filter((event) => event.includes('stopping'));
    expect(stopping.map((event) => event.split(':')[0])).toEqual(['b', 'a']);
    expect(events.join()).toContain('killed');
  });

  it('reads the state of a process only while it is alive', () => {
    expect(readProcess(process.pid)?.pid).toBe(process.pid);
    expect(readProcess(2 ** 22 + 1)).toBe(null);
  });
});
