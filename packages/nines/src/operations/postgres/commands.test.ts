import { describe, expect, it } from 'vitest';
import { failover, planFailover, requireLossAllowed } from './failover.ts';
import { chosenGroup } from './group.ts';
import { leaderHost, replicaHost } from './members.ts';
import { setPaused } from './pause.ts';
import { reinit } from './reinit.ts';
import { switchover } from './switchover.ts';
import { openView, TwinGroup } from './testing/twin-group.ts';

const lines: string[] = [];
const followed = (timeoutMs = 2_000) => ({
  timeoutMs,
  signal: new AbortController().signal,
  progress: (line: string) => void lines.push(line),
});
const signal = new AbortController().signal;

describe('switchover', () => {
  it('asks the leader, waits until another one admits clients, and tells from, to and term', async () => {
    const group = new TwinGroup(openView('b1', 3));
    group.onOrder = () => {
      group.everyoneKnows(openView('b1', 3, { phase: 'promoting', epoch: 4, term: 4 }));
      setTimeout(() => group.knows('c1', openView('a1', 4)), 150);
      return null;
    };
    const change = await switchover(group, 'main', null, followed());
    expect(group.orders).toEqual([{ host: 'b1', action: 'switchover', body: { to: null } }]);
    expect(change).toMatchObject({ from: { host: 'b1', term: 3 }, to: { host: 'a1', term: 4 }, reason: 'it is taken' });
    expect(change.tookMs).toBeGreaterThan(140);
    expect(lines).toContain('term 4, epoch 4, promoting, b1 led last');
  });

  it('does not wait for an agent that does not answer', async () => {
    const group = new TwinGroup(openView('b1', 3));
    const { view } = group.agents;
    const never = new Promise<null>(() => undefined);
    group.onOrder = () => {
      group.agents.view = async (address, name, ends) =>
        address === '10.0.0.2'
          ? Promise.race([never, new Promise<null>((resolve) => ends.addEventListener('abort', () => resolve(null), { once: true }))])
          : view(address, name, ends);
      group.knows('a1', openView('a1', 4));
      return null;
    };
    expect((await switchover(group, 'main', 'a1', followed())).tookMs).toBeLessThan(1_000);
  });

  it('says when the recorded leader took its place again, and when nothing came of it', async () => {
    const group = new TwinGroup(openView('b1', 3));
    group.onOrder = () => {
      group.everyoneKnows(openView('b1', 4));
      return null;
    };
    await expect(switchover(group, 'main', 'a1', followed())).rejects.toMatchObject({
      code: 'E_ORDER_FAILED',
      message: "a1 did not take over: b1 leads group 'main' in term 4",
    });
    group.onOrder = () => null;
    await expect(switchover(group, 'main', null, followed(100))).rejects.toMatchObject({ code: 'E_ORDER_FAILED', exit: 1 });
    group.onOrder = () => {
      group.everyoneKnows(openView('b1', 4, { phase: 'electing', epoch: 9 }));
      return null;
    };
    await expect(switchover(group, 'main', null, followed(100))).rejects.toMatchObject({ code: 'E_ORDER_UNKNOWN', exit: 4 });
  });

  it('refuses what is not there, and hands on why the agent refuses', async () => {
    const group = new TwinGroup(openView('b1', 3));
    await expect(switchover(group, 'main', 'd1', followed())).rejects.toMatchObject({ code: 'E_USAGE' });
    await expect(switchover(group, 'main', 'b1', followed())).rejects.toThrow('leads group');
    expect(group.orders).toEqual([]);
    group.onOrder = () => 'no standby counts';
    await expect(switchover(group, 'main', null, followed())).rejects.toMatchObject({
      code: 'E_ORDER_REFUSED',
      message: "b1 refuses the switchover of group 'main': no standby counts",
    });
    group.views.clear();
    await expect(switchover(group, 'main', null, followed())).rejects.toMatchObject({ code: 'E_NO_LEADER' });
  });

  it('ends with the signal', async () => {
    const interruption = new AbortController();
    const going = switchover(new TwinGroup(openView('b1', 3)), 'main', null, { ...followed(30_000), signal: interruption.signal });
    interruption.abort(new Error('Ctrl-C'));
    await expect(going).rejects.toThrow('Ctrl-C');
  });
});

describe('failover with loss', () => {
  it('is refused while the leader proves itself', async () => {
    const group = new TwinGroup(openView('b1', 3));
    await expect(planFailover(group, 'main', 'a1', signal)).rejects.toMatchObject({
      code: 'E_USAGE',
      hint: expect.stringContaining('nines switchover main --to a1'),
    });
  });

  it('is refused when nobody said that writes may be lost', () => {
    expect(() => requireLossAllowed('main', false)).toThrow('--allow-data-loss');
    expect(() => requireLossAllowed('main', true)).not.toThrow();
  });

  it('says what may be lost, goes to the target, and names it when another one leads in the end', async () => {
    const group = new TwinGroup(openView('b1', 3, { lone: true }));
    group.knows('b1', null);
    const plan = await planFailover(group, 'main', 'a1', signal);
    expect(plan.warnings.join(' ')).toMatch(
      /b1, the leader of term 3, acknowledged and a1 does not hold is lost.*was alone.*nines switchover/,
    );
    group.onOrder = () => {
      group.everyoneKnows(openView('a1', 4));
      return null;
    };
    expect((await failover(group, plan, followed())).to).toEqual({ host: 'a1', term: 4 });
    expect(group.orders).toEqual([{ host: 'a1', action: 'failover', body: { to: 'a1', allowDataLoss: true } }]);
  });
});

describe('pause and resume', () => {
  it('is done when every agent has seen it', async () => {
    const group = new TwinGroup(openView('b1', 3));
    group.onOrder = () => {
      for (const host of ['a1', 'b1']) group.knows(host, openView('b1', 3, { paused: true }));
      setTimeout(() => group.knows('c1', openView('b1', 3, { paused: true })), 100);
      return null;
    };
    expect(await setPaused(group, 'main', true, { timeoutMs: 2_000, signal })).toBe('it is taken');
    group.onOrder = () => null;
    await expect(setPaused(group, 'main', false, { timeoutMs: 100, signal })).rejects.toMatchObject({
      code: 'E_ORDER_UNKNOWN',
      message: expect.stringContaining('a1, b1, c1 did not see it'),
    });
  });

  it('says so when a host that does not answer may not know', async () => {
    const group = new TwinGroup(openView('b1', 3, { paused: true }));
    group.knows('c1', null);
    expect(await setPaused(group, 'main', true, { timeoutMs: 100, signal })).toContain('not every host answers');
  });
});

describe('reinit', () => {
  it('is done when another server process streams from the leader, not before', async () => {
    const group = new TwinGroup(openView('b1', 3));
    group.units.set('c1', { startedAtMs: 1_000, reason: 'standby' });
    group.onOrder = () => {
      setTimeout(() => group.knows('b1', openView('b1', 3, { replicas: [] })), 50);
      setTimeout(() => group.units.set('c1', { startedAtMs: 2_000, reason: 'standby' }), 300);
      setTimeout(() => group.knows('b1', openView('b1', 3)), 600);
      return null;
    };
    const made = await reinit(group, 'main', 'c1', followed(3_000));
    expect(made).toMatchObject({ host: 'c1', leader: 'b1' });
    expect(made.tookMs).toBeGreaterThan(590);
    expect(group.orders).toEqual([{ host: 'c1', action: 'reinit', body: {} }]);
  });

  it('never touches the leader', async () => {
    const group = new TwinGroup(openView('b1', 3));
    await expect(reinit(group, 'main', 'b1', followed())).rejects.toMatchObject({ code: 'E_USAGE' });
    expect(group.orders).toEqual([]);
  });
});

describe('which host to ask', () => {
  it('is the leader of the latest term, also when one that is cut off thinks otherwise', async () => {
    const group = new TwinGroup(openView('c1', 4));
    group.knows('b1', openView('b1', 3));
    expect(await leaderHost(group, 'main', signal)).toBe('c1');
    expect(await replicaHost(group, 'main', signal)).toBe('a1');
    group.everyoneKnows(openView('c1', 4, { replicas: [] }));
    await expect(replicaHost(group, 'main', signal)).rejects.toMatchObject({ code: 'E_NO_LEADER' });
    group.everyoneKnows(openView('c1', 4, { leader: null }));
    await expect(leaderHost(group, 'main', signal)).rejects.toMatchObject({ code: 'E_NO_LEADER' });
  });

  it('is of the only group when none is named', () => {
    const { spec } = new TwinGroup(openView('b1', 3));
    expect(chosenGroup(spec, undefined)).toBe('main');
    expect(() => chosenGroup(spec, 'other')).toThrow("no PostgreSQL group 'other'; there are: main");
    const two = { ...spec, topology: { postgres: { main: {}, more: {} } } } as unknown as typeof spec;
    expect(() => chosenGroup(two, undefined)).toThrow('which PostgreSQL group? There are: main, more');
  });
});
