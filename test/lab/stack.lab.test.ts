/** The article's HA REST API as a whole: real engines on three hosts, and what the promises of the stack say of them. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { run } from '../../packages/nines/src/agent/run.ts';
import {
  execOnHost,
  freezeProcess,
  hostProcesses,
  killHost,
  killProcess,
  powerLoss,
  readLab,
  resources,
  restartHost,
} from '../../packages/nines/src/lab/index.ts';
import { apply, planApply } from '../../packages/nines/src/operations/apply.ts';
import { Cluster } from '../../packages/nines/src/operations/cluster.ts';
import { leaderHost } from '../../packages/nines/src/operations/postgres/members.ts';
import { rollingRestart } from '../../packages/nines/src/operations/restart.ts';
import { toolCall } from '../../packages/nines/src/operations/tools.ts';
import { MACHINE_PATHS } from '../../packages/nines/src/operations/up.ts';
import { clusterKeys } from '../../packages/nines/src/store/keys.ts';
import type { PlacedUnit } from '../../packages/nines/src/topology/cluster-spec.ts';
import type { Topology } from '../../packages/nines/src/topology/topology.ts';
import { describeLab } from './require-root.ts';
import {
  allStates,
  EXAMPLE_CONFIG,
  hostState,
  lastWords,
  processIds,
  REPOSITORY,
  type Stack,
  startStack,
  steadyClient,
  unitState,
  until,
} from './stack-fixture.ts';

const soon = (timeoutMs = 60_000): AbortSignal => AbortSignal.timeout(timeoutMs);

describeLab('the stack', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
    console.info(`up: everything ready after ${Math.round(stack.tookMs)} ms`);
  }, 240_000);

  // The lab is gone when somebody reads that a test failed.
  beforeEach(({ onTestFailed }) => onTestFailed(async () => console.log(await lastWords(stack.cluster))));
  afterAll(async () => {
    const { lab } = stack.cluster;
    const startedAt = performance.now();
    await stack.down();
    console.info(`down after ${Math.round(performance.now() - startedAt)} ms`);
    expect(await resources(lab)).toEqual({ processes: [], namespaces: [], links: [], mounts: [], loopDevices: [] });
    expect(existsSync(lab.dir)).toBe(false);
  }, 120_000);

  const psql = async (sql: string): Promise<string> => {
    const { argv, env } = await toolCall(stack.cluster, ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', sql], { signal: soon() });
    return (await run(argv, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env }, signal: soon() })).stdout.trim();
  };

  const primaryUnit = async (): Promise<PlacedUnit> => {
    const host = await leaderHost(stack.cluster, 'main', soon());
    const unit = stack.cluster.spec.placement.units.find((one) => one.engine === 'postgres' && one.host === host);
    if (unit === undefined) throw new Error(`no member of PostgreSQL is placed on ${host}`);
    return unit;
  };

  const agentProcess = async (host: string): Promise<number> => (await hostState(stack.cluster, host)).agent.pid;

  it('every engine that is killed runs again with its data', async () => {
    const { cluster } = stack;
    await psql('CREATE TABLE IF NOT EXISTS kept (n int); TRUNCATE kept; INSERT INTO kept VALUES (42)');
    for (const engine of [
      'etcd',
      'postgres',
      'redis',
      'sentinel',
      'haproxy',
      'keepalived',
      'prometheus',
      'alertmanager',
      'service',
    ] as const) {
      const unit = engine === 'postgres' ? await primaryUnit() : cluster.spec.placement.units.find((one) => one.engine === engine);
      if (unit === undefined) throw new Error(`no ${engine} is placed`);
      const before = await unitState(cluster, unit.host, unit.name);
      const startedAt = performance.now();
      await killProcess(cluster.lab, unit.host, before?.pid ?? 0, { signal: soon() });
      await until(`${unit.name}@${unit.host} runs again`, async () => {
        const now = await unitState(cluster, unit.host, unit.name);
        return now?.ready === true && now.pid !== before?.pid;
      });
      console.info(`${unit.name}@${unit.host} (${engine}): ready again ${Math.round(performance.now() - startedAt)} ms after kill -9`);
    }
    expect(await psql('SELECT n FROM kept')).toBe('42');
    await cluster.waitReady(soon());
  }, 240_000);

  it('nobody notices the death of an agent, and the next one adopts what runs', async () => {
    const { cluster } = stack;
    const before = await processIds(cluster);
    const client = steadyClient(cluster);
    for (const host of Object.keys(cluster.spec.hosts)) {
      const agentPid = await agentProcess(host);
      await killProcess(cluster.lab, host, agentPid, { signal: soon() });
      await until(`another agent answers on ${host}`, async () => {
        const state = (await cluster.states(soon())).find((one) => one.host === host)?.state;
        return state !== null && state !== undefined && state.agent.pid !== agentPid;
      });
    }
    await cluster.waitReady(soon());
    const { requests, failures } = await client.stop();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(20);
    expect(await processIds(cluster)).toEqual(before);
  }, 240_000);

  it('with etcd away nothing stops, and a new agent still knows its work', async () => {
    const { cluster } = stack;
    const before = await processIds(cluster);
    const members = cluster.spec.placement.units.filter((unit) => unit.engine === 'etcd');
    const client = steadyClient(cluster);
    const faults = await Promise.all(
      members.map(async ({ name, host }) => freezeProcess(cluster.lab, host, before[`${name}@${host}`] ?? 0, { signal: soon() })),
    );
    const host = members[0]?.host ?? '';
    const agentPid = await agentProcess(host);
    await killProcess(cluster.lab, host, agentPid, { signal: soon() });
    await until('the new agent says that it cannot reach etcd and that the database is ready', async () => {
      const state = (await cluster.states(soon())).find((one) => one.host === host)?.state;
      const database = state?.units.find((unit) => unit.engine === 'postgres');
      return state?.storeReachable === false && state.agent.pid !== agentPid && database?.ready === true;
    });
    for (const fault of faults) await fault.undo();
    await cluster.waitReady(soon());
    expect((await client.stop()).failures).toEqual([]);
    const withoutEtcd = (ids: Record<string, number | null>) =>
      Object.fromEntries(Object.entries(ids).filter(([name]) => !name.startsWith('etcd@')));
    expect(withoutEtcd(await processIds(cluster))).toEqual(withoutEtcd(before));
  }, 240_000);

  it('apply touches only the difference', async () => {
    const { cluster, project } = stack;
    const before = await processIds(cluster);
    const [service = ''] = Object.keys(project.topology.services);
    const withReplicas = (replicas: number): Topology => {
      const topology = structuredClone(project.topology);
      (topology.services[service] as { replicas: number }).replicas = replicas;
      return topology;
    };
    const [group] = Object.values(project.topology.postgres);
    const withGroup = { ...project.topology, postgres: { ...project.topology.postgres, more: { ...group, port: 5499 } } } as Topology;
    await expect(planApply(cluster, withGroup)).rejects.toMatchObject({
      code: 'E_CONFIG_INVALID',
      message: expect.stringContaining('postgres.more'),
    });
    const more = await planApply(cluster, withReplicas(7));
    expect(more.changes.length).toBeGreaterThan(0);
    const client = steadyClient(cluster);
    await apply(cluster, more, soon(), () => undefined);
    const grown = await processIds(cluster);
    expect(Object.keys(grown).length).toBe(Object.keys(before).length + 1);
    expect(grown).toMatchObject(before);
    expect((await planApply(cluster, withReplicas(7))).changes).toEqual([]);
    await apply(cluster, await planApply(cluster, withReplicas(6)), soon(), () => undefined);
    expect((await client.stop()).failures).toEqual([]);
    expect(await processIds(cluster)).toEqual(before);
  }, 240_000);

  it('a rolling restart replaces every instance and costs no request', async () => {
    const { cluster, project } = stack;
    const [service = ''] = Object.keys(project.topology.services);
    const before = await processIds(cluster);
    const client = steadyClient(cluster);
    const order: string[] = [];
    await rollingRestart(cluster, service, {
      unitTimeoutMs: 30_000,
      signal: soon(120_000),
      progress: { began: (unit) => void order.push(unit.name) },
    });
    expect((await client.stop()).failures).toEqual([]);
    expect(order).toHaveLength(6);
    const after = await processIds(cluster);
    for (const [unit, pid] of Object.entries(before)) {
      if (unit.startsWith(`${service}-`)) expect(after[unit]).not.toBe(pid);
      else expect(after[unit]).toBe(pid);
    }
  }, 300_000);

  it('two operators at once: one wins, the other is told, and both see the end of it', async () => {
    const { cluster, project } = stack;
    const [service = ''] = Object.keys(project.topology.services);
    const other = await Cluster.open(cluster.lab);
    try {
      const withReplicas = (replicas: number): Topology => {
        const topology = structuredClone(project.topology);
        (topology.services[service] as { replicas: number }).replicas = replicas;
        return topology;
      };
      const [seven, eight] = [await planApply(cluster, withReplicas(7)), await planApply(other, withReplicas(8))];
      await apply(cluster, seven, soon(), () => undefined);
      await expect(apply(other, eight, soon(), () => undefined)).rejects.toMatchObject({ code: 'E_USAGE' });
      // One waits for seven while the other goes back to six: what the first waits for is what holds in the end.
      await cluster.changeSpec((before) => before, soon());
      const waiting = cluster.waitReady(soon());
      await apply(other, await planApply(other, withReplicas(6)), soon(), () => undefined);
      await waiting;
      expect(Object.keys(await processIds(cluster)).filter((name) => name.startsWith(`${service}-`))).toHaveLength(6);
    } finally {
      other.close();
    }
  }, 240_000);

  it('a change reaches the hosts although etcd was restored from an older copy', async () => {
    const { cluster } = stack;
    const { spec: older } = await cluster.fetchSpec(soon());
    for (let changes = 0; changes < 3; changes += 1) await cluster.changeSpec((before) => before, soon());
    await cluster.waitReady(soon());
    const before = await processIds(cluster);
    await cluster.store.put(clusterKeys(cluster.spec.topology.name).desired.path, older);
    const [unit] = await rollingRestart(cluster, 'alertmanager', {
      unitTimeoutMs: 20_000,
      signal: soon(),
      progress: { began: () => undefined },
    });
    const name = `alertmanager@${unit?.host}`;
    const after = await processIds(cluster);
    expect(after[name]).not.toBe(before[name]);
    expect({ ...after, [name]: null }).toEqual({ ...before, [name]: null });
  }, 240_000);

  it('a host that lost power comes back whole, and what was committed is there', async () => {
    const { cluster } = stack;
    const primary = (await primaryUnit()).host;
    await psql('CREATE TABLE IF NOT EXISTS survived (n int); TRUNCATE survived; INSERT INTO survived VALUES (7)');
    await powerLoss(cluster.lab, primary, { signal: soon() });
    await restartHost(cluster.lab, primary, { signal: soon() });
    await cluster.waitReady(soon(60_000));
    expect(await psql('SELECT n FROM survived')).toBe('7');
  }, 240_000);

  it('a changed setting of the service replaces its instances one by one, and costs no request', async () => {
    const { cluster, project } = stack;
    const before = await processIds(cluster);
    const [service = ''] = Object.keys(project.topology.services);
    const topology = structuredClone(project.topology);
    (topology.services[service] as { env: Record<string, string> }).env = { COLOUR: 'blue' };
    const client = steadyClient(cluster);
    await apply(cluster, await planApply(cluster, topology), soon(120_000), () => undefined);
    expect((await client.stop()).failures).toEqual([]);
    const after = await processIds(cluster);
    const replaced = Object.keys(before).filter((unit) => after[unit] !== before[unit]);
    expect(replaced.toSorted()).toEqual(
      Object.keys(before)
        .filter((unit) => unit.startsWith(`${service}-`))
        .toSorted(),
    );
    expect(await planApply(cluster, topology)).toMatchObject({ changes: [], waiting: [] });
    await apply(cluster, await planApply(cluster, project.topology), soon(120_000), () => undefined);
  }, 600_000);

  it('a second up of the same lab is refused and changes nothing', async () => {
    const before = await processIds(stack.cluster);
    await expect(startStack({ labName: stack.labName })).rejects.toMatchObject({ code: 'E_LAB_EXISTS', exit: 2 });
    expect(await processIds(stack.cluster)).toEqual(before);
  });

  it('no secret is in any argv', async () => {
    const { cluster } = stack;
    const { stdout } = await execOnHost(cluster.lab, 'a1', ['/bin/cat', '/var/lib/nines/identity/secrets.json'], {
      signal: soon(),
      timeoutMs: 5_000,
    });
    const secrets = Object.values(JSON.parse(stdout) as Record<string, Record<string, string>>).flatMap((section) =>
      Object.values(section),
    );
    expect(secrets.length).toBeGreaterThan(5);
    for (const host of Object.keys(cluster.spec.hosts)) {
      for (const { argv } of await hostProcesses(cluster.lab, host)) {
        for (const secret of secrets) expect(argv.join(' ')).not.toContain(secret);
      }
    }
  });

  it('engines and services do not run as root, keepalived and the agent alone do', async () => {
    const { cluster } = stack;
    for (const [host, { units }] of Object.entries(await allStates(cluster))) {
      for (const unit of units) {
        const { stdout } = await execOnHost(cluster.lab, host, ['/bin/grep', '^Uid:', `/proc/${unit.pid}/status`], {
          signal: soon(),
          timeoutMs: 5_000,
        });
        const isRoot = stdout.split(/\s+/)[2] === '0';
        expect(`${unit.name}: ${isRoot}`).toBe(`${unit.name}: ${unit.engine === 'keepalived'}`);
      }
    }
  });

  it('a primary that lost its disk is not made anew, although no standby is up to contradict; one that returns leads with all data', async () => {
    const { cluster } = stack;
    await psql('CREATE TABLE IF NOT EXISTS outlived (n int); TRUNCATE outlived; INSERT INTO outlived VALUES (11)');
    const { host, name } = await primaryUnit();
    const standbys = cluster.spec.placement.units.filter((unit) => unit.engine === 'postgres' && unit.host !== host);
    for (const standby of standbys) await killHost(cluster.lab, standby.host, { signal: soon() });
    // Without standbys and without etcd it cannot prove that it leads: it stops by itself.
    await until('it has stopped', async () => {
      const state = await unitState(cluster, host, name);
      return state !== undefined && state.role !== 'primary';
    });
    await execOnHost(cluster.lab, host, ['/bin/rm', '-rf', `/var/lib/nines/units/${name}/data`], { signal: soon(), timeoutMs: 10_000 });
    const pid = (await unitState(cluster, host, name))?.pid ?? null;
    if (pid !== null) await killProcess(cluster.lab, host, pid, { signal: soon() }).catch(() => undefined);
    await until('it does not start', async () => {
      const state = await unitState(cluster, host, name);
      return state?.ready === false && state.pid === null;
    });
    for (const standby of standbys) await restartHost(cluster.lab, standby.host, { signal: soon() });
    await until('another one leads', async () => (await leaderHost(cluster, 'main', soon()).catch(() => host)) !== host, 60_000);
    expect(await psql('SELECT n FROM outlived')).toBe('11');
    // A disk is replaced with its host down; the agent that comes up then finds nothing, and copies what the leader has.
    await killHost(cluster.lab, host, { signal: soon() });
    await restartHost(cluster.lab, host, { signal: soon() });
    await cluster.waitReady(soon(60_000));
    expect(await psql('SELECT n FROM outlived')).toBe('11');
  }, 300_000);
});

describeLab('up', () => {
  it('leaves nothing when it is interrupted half-way', async () => {
    const labName = `test-int-${process.pid}`;
    const child = spawn(
      process.execPath,
      [join(REPOSITORY, 'packages/nines/bin/nines.mjs'), 'up', '--lab', labName, '--config', EXAMPLE_CONFIG],
      { stdio: 'pipe' },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await until('units are being started', () => said.includes('units ...'), 90_000);
    const lab = await readLab(MACHINE_PATHS.labsDir, labName);
    await delay(300);
    child.kill('SIGINT');
    expect(await exited).toBe(1);
    expect(said).toContain('E_INTERRUPTED');
    expect(await resources(lab)).toEqual({ processes: [], namespaces: [], links: [], mounts: [], loopDevices: [] });
    expect(existsSync(lab.dir)).toBe(false);
  }, 240_000);
});
