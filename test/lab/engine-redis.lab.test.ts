/** Redis and Sentinel as Nines runs them, on three loopback addresses. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../packages/nines/src/engines/engine.ts';
import { RedisClient } from '../../packages/nines/src/engines/redis/client.ts';
import { redis } from '../../packages/nines/src/engines/redis/engine.ts';
import { RedisError } from '../../packages/nines/src/engines/redis/resp.ts';
import { sentinel } from '../../packages/nines/src/engines/sentinel/engine.ts';
import { type StartedUnit, startUnit } from '../../packages/nines/src/engines/testing/start-unit.ts';
import { ADDRESSES, eventually, exposedSecrets, type TestCluster, testCluster } from './data-engine-cluster.ts';
import { describeLab } from './require-root.ts';

const GROUP = {
  replicas: 3,
  port: 6379,
  maxMemoryBytes: 32 * 1024 * 1024,
  sentinel: { port: 26_379, quorum: 2, downAfterMs: 1_000, failoverTimeoutMs: 10_000, parallelSyncs: 1 },
};
const FIRST_MASTER = 2;

describeLab('Redis and Sentinel', () => {
  let cluster: TestCluster;
  const started: StartedUnit[] = [];
  const clients: RedisClient[] = [];
  let nodes: StartedUnit[];
  let sentinels: StartedUnit[];

  const start = async (engine: Engine, name: 'redis' | 'sentinel', ordinal: number) => {
    const unit = await startUnit(engine, cluster.context(name, ordinal));
    started.push(unit);
    return unit;
  };
  const client = (ordinal: number, user = 'app', port = GROUP.port, timeoutMs = 5_000) => {
    const { caFile } = cluster.context('redis', 0).certificate('agent');
    const password = cluster.secrets.redis[`cache/${user}`] ?? 'wrong';
    const opened = new RedisClient({ host: ADDRESSES[ordinal]!, port, caFile, user, password, timeoutMs });
    clients.push(opened);
    return opened;
  };
  const succeeds = async (ordinal: number, ...words: string[]) => {
    const opened = client(ordinal, 'app', GROUP.port, 1_000);
    try {
      await opened.command(...words);
      return true;
    } catch {
      return false;
    } finally {
      opened.close();
    }
  };
  const masters = async () => {
    const seen = await Promise.all(nodes.map((node) => node.observe()));
    return seen.flatMap((observation, ordinal) => (observation.role === 'master' ? [ordinal] : []));
  };
  /** Whoever leads: a master that a slow machine kept silent for 1 s was replaced by right. */
  const leader = async (): Promise<number> => {
    let seen: number[] = [];
    await eventually('there is one master', 20_000, async () => (seen = await masters()).length === 1);
    return seen[0]!;
  };
  const settled = () =>
    eventually('one master with two replicas in reach, known to every Sentinel', 60_000, async () => {
      const [master, second] = await masters();
      if (master === undefined || second !== undefined) return false;
      const replicas = await Promise.all(nodes.map((node) => node.observe()));
      const known = await Promise.all(sentinels.map((unit) => unit.observe()));
      const place = `${ADDRESSES[master]}:${GROUP.port}`;
      return (
        replicas.every(
          (seen) =>
            seen.ready &&
            (seen.role === 'master'
              ? seen.details?.['replicas'] === 2 && seen.details['takesWrites'] === true
              : seen.details?.['master'] === place),
        ) && known.every((seen) => seen.ready && seen.details?.['master'] === place && seen.details['masterDown'] === false)
      );
    });

  /** As the agent does: a process that is found unsound three times in a row is replaced. */
  const supervised = async () => {
    const unsound = nodes.map(() => 0);
    const stopped = new AbortController();
    const watch = async () => {
      while (!stopped.signal.aborted) {
        for (const [ordinal, node] of nodes.entries()) {
          unsound[ordinal] = (await node.observe()).live ? 0 : unsound[ordinal]! + 1;
          if (unsound[ordinal] < 3) continue;
          await node.stop();
          await node.restart();
          unsound[ordinal] = 0;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const watching = watch();
    try {
      await settled();
    } finally {
      stopped.abort();
      await watching;
    }
  };

  beforeAll(async () => {
    cluster = await testCluster({ redis: { cache: GROUP }, leader: FIRST_MASTER, engines: ['redis', 'sentinel'] });
    [nodes, sentinels] = await Promise.all([
      Promise.all(ADDRESSES.map((_, ordinal) => start(redis, 'redis', ordinal))),
      Promise.all(ADDRESSES.map((_, ordinal) => start(sentinel, 'sentinel', ordinal))),
    ]);
    await settled();
  });

  afterAll(async () => {
    for (const opened of clients) opened.close();
    await Promise.all(started.map((unit) => unit.stop()));
    cluster?.remove();
  });

  it('starts with the master where placement put it, and replicates to the others', async () => {
    expect(await masters()).toEqual([FIRST_MASTER]);
    const master = await leader();
    expect(await client(master).command('SET', 'greeting', 'hello')).toBe('OK');
    const replica = client((master + 1) % ADDRESSES.length);
    await eventually('the write is on a replica', 10_000, async () => (await replica.command('GET', 'greeting')) === 'hello');
  });

  it('lets each user do its own work only, and nobody in without a password', async () => {
    await settled();
    const master = await leader();
    await expect(client(0, 'default').command('PING')).rejects.toThrow(RedisError);
    await expect(client(0, 'nobody').command('PING')).rejects.toThrow(RedisError);
    await expect(client(master, 'app').command('CONFIG', 'GET', 'masterauth')).rejects.toThrow(/NOPERM/);
    await expect(client(master, 'app').command('FLUSHALL')).rejects.toThrow(/NOPERM/);
    await expect(client(master, 'app').command('REPLICAOF', 'NO', 'ONE')).rejects.toThrow(/NOPERM/);
    await expect(client(master, 'replica').command('GET', 'greeting')).rejects.toThrow(/NOPERM/);
    await expect(client(master, 'sentinel').command('GET', 'greeting')).rejects.toThrow(/NOPERM/);
    await expect(client(master, 'agent').command('GET', 'greeting')).rejects.toThrow(/NOPERM/);
    const asked = client(0, 'app', GROUP.sentinel.port);
    expect(await asked.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'cache')).toEqual([ADDRESSES[master], String(GROUP.port)]);
    await expect(asked.command('SENTINEL', 'FAILOVER', 'cache')).rejects.toThrow(/NOPERM/);
  });

  it('loses no acknowledged write when the master is killed and restarted at once', async () => {
    const leading = await leader();
    const writer = client(leading);
    const acknowledged: string[] = [];
    for (let index = 0; index < 500; index += 1) {
      await writer.command('SET', `quick:${index}`, String(index));
      acknowledged.push(`quick:${index}`);
    }
    const master = nodes[leading]!;
    master.kill('SIGKILL');
    await master.exited();
    const restartedMs = await master.restart();
    const writableMs = await eventually('writes again', 30_000, async () => {
      for (const ordinal of await masters()) if (await succeeds(ordinal, 'SET', 'again', '1')) return true;
      return false;
    });
    process.stderr.write(`Redis master killed: running after ${Math.round(restartedMs)} ms, writable ${writableMs} ms later\n`);
    // Sentinels that missed one answer may replace it all the same: the writes are there with either.
    await supervised();
    expect(await client(await leader()).command('MGET', ...acknowledged)).toEqual(acknowledged.map((_, index) => String(index)));
  });

  it('takes no writes on a master without any replica in reach', async () => {
    const current = await leader();
    const replicas = nodes.filter((_, ordinal) => ordinal !== current);
    for (const replica of replicas) replica.kill('SIGSTOP');
    try {
      const refusal = async () => {
        const opened = client(current);
        const reason = await opened.command('SET', 'lonely', '1').then(() => 'none', String);
        opened.close();
        return reason;
      };
      // That reason alone: a master that is late with its answer refuses nothing.
      await eventually('writes are refused for want of a replica', 20_000, async () => (await refusal()).includes('NOREPLICAS'));
    } finally {
      for (const replica of replicas) replica.kill('SIGCONT');
    }
    await supervised();
  });

  it('fails over by Sentinel, and the old master comes back as a replica with the right data', async () => {
    const current = await leader();
    const old = nodes[current]!;
    const writer = client(current);
    await writer.command('SET', 'term', 'old');
    expect(await writer.command('WAIT', '2', '4000')).toBe(2);
    const killedAt = performance.now();
    old.kill('SIGKILL');
    await old.exited();
    let next = -1;
    await eventually('another master takes writes', 30_000, async () => {
      for (const ordinal of [0, 1, 2]) if (ordinal !== current && (await succeeds(ordinal, 'SET', 'term', 'new'))) next = ordinal;
      return next >= 0;
    });
    process.stderr.write(`Redis failover: first accepted write after ${Math.round(performance.now() - killedAt)} ms\n`);
    await old.restart();
    expect((await old.observe()).role).toBe('replica');
    await supervised();
    // On a stalled machine the Sentinels may have replaced the new master as well (down-after is 1 s): whoever leads, there is one, and it has the writes.
    const leading = await masters();
    expect(leading).toHaveLength(1);
    if (leading[0] !== next) process.stderr.write(`Redis failover: the new master ${next} was replaced by ${leading[0]}\n`);
    for (const ordinal of [leading[0]!, current]) {
      expect(await client(ordinal).command('GET', 'term')).toBe('new');
      expect(await client(ordinal).command('GET', 'greeting')).toBe('hello');
    }
  });

  it('is told to ask again when the Sentinels have replaced it behind its back', async () => {
    const current = await leader();
    const deposed = nodes[current]!;
    // Frozen for long enough to be replaced; it wakes up as the master that it no longer is.
    deposed.kill('SIGSTOP');
    await eventually('another master takes writes', 30_000, async () => {
      for (const ordinal of [0, 1, 2]) if (ordinal !== current && (await succeeds(ordinal, 'SET', 'term', 'newer'))) return true;
      return false;
    });
    deposed.kill('SIGCONT');
    await eventually('it is called unsound', 20_000, async () => {
      const seen = await deposed.observe();
      return !seen.live && seen.reason.startsWith('deposed');
    });
    deposed.kill('SIGKILL');
    await deposed.exited();
    await deposed.restart();
    expect((await deposed.observe()).role).toBe('replica');
    await supervised();
  });

  it('does not become an empty master when its disk is lost', async () => {
    const current = await leader();
    const master = nodes[current]!;
    const { dataDir } = cluster.context('redis', current).paths;
    master.kill('SIGKILL');
    await master.exited();
    await rm(join(dataDir, 'units', 'redis-cache'), { recursive: true });
    await master.restart();
    expect((await master.observe()).role).toBe('replica');
    await supervised();
    for (const ordinal of [0, 1, 2]) expect(await client(ordinal).command('GET', 'term')).toBe('newer');
  });

  it('keeps what a Sentinel knows over its restart, and takes new settings of the topology', async () => {
    const current = await leader();
    const unit = sentinels[0]!;
    const before = (await unit.observe()).details;
    await unit.stop();
    await unit.restart();
    const after = (await unit.observe()).details;
    expect(after).toMatchObject({
      master: `${ADDRESSES[current]}:${GROUP.port}`,
      configEpoch: before?.['configEpoch'],
      otherSentinels: 2,
      replicas: 2,
    });
  });

  it('comes back whole with its data after everything was stopped', async () => {
    const before = await leader();
    await Promise.all([...nodes, ...sentinels].map((unit) => unit.stop()));
    await Promise.all([...nodes, ...sentinels].map((unit) => unit.restart()));
    await settled();
    // The same one, unless it started more than 1 s later than the Sentinels.
    const after = await leader();
    process.stderr.write(`Redis stopped and started: master ${before} before, ${after} after\n`);
    for (const ordinal of [0, 1, 2]) expect(await client(ordinal).command('GET', 'term')).toBe('newer');
  });

  it('shows no password in a log or in the argv of any process', () => {
    const logs = [...nodes, ...sentinels].map((unit) => unit.logFile);
    expect(logs.every((file) => readFileSync(file, 'utf8').length > 0)).toBe(true);
    expect(exposedSecrets(cluster, logs)).toEqual([]);
  });
});
