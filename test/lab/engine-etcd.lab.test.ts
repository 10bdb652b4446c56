import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { type EtcdCluster, eventually, startEtcdCluster } from './etcd-cluster.ts';
import { describeLab } from './require-root.ts';

describeLab('the etcd engine', () => {
  let cluster: EtcdCluster | undefined;
  afterEach(async () => {
    await cluster?.remove();
    cluster = undefined;
  });

  test('three members form a cluster, one leads, certificates are asked for', async () => {
    cluster = await startEtcdCluster(1);
    const observations = await Promise.all(cluster.units.map((unit) => unit.observe()));
    expect(observations.map(({ ready }) => ready)).toEqual([true, true, true]);
    expect(observations.map(({ role }) => role).sort()).toEqual(['follower', 'follower', 'leader']);
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.21.1', port: 2379, ca: cluster!.tls.ca });
      socket.on('secureConnect', () => socket.write('GET /version HTTP/1.0\r\n\r\n'));
      socket.on('data', () => resolve('served'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'refused'));
      socket.on('end', () => resolve('closed'));
    });
    expect(outcome).toMatch(/CERTIFICATE_REQUIRED|closed|BAD_CERTIFICATE/);
  });

  test('a killed member is back with its data; a stopped one hands on and ends in time', async () => {
    cluster = await startEtcdCluster(1);
    const store = cluster.store();
    await store.put('/t/a', { kept: true });
    const [first] = cluster.units;
    first!.kill('SIGKILL');
    await first!.exited();
    expect(await first!.observe()).toMatchObject({ ready: false, live: false });
    expect(await first!.restart()).toBeLessThan(10_000);
    const leader = (await Promise.all(cluster.units.map((unit) => unit.observe()))).findIndex(({ role }) => role === 'leader');
    const startedMs = performance.now();
    await cluster.units[leader]!.stop();
    expect(performance.now() - startedMs).toBeLessThan(8_000);
    expect((await store.get('/t/a'))?.value).toEqual({ kept: true });
    await cluster.units[leader]!.restart();
  });

  test('a member that lost its disk comes back as a new member and catches up', async () => {
    cluster = await startEtcdCluster(1);
    const store = cluster.store();
    await store.put('/t/a', 1);
    const victim = cluster.units[1]!;
    const before = (await store.status()).find(({ endpoint }) => endpoint.includes('127.0.21.2'))?.status?.memberId;
    victim.kill('SIGKILL');
    await victim.exited();
    rmSync(cluster.dataDir(1), { recursive: true, force: true });
    const tookMs = await victim.restart();
    const reports = await store.status();
    const after = reports.find(({ endpoint }) => endpoint.includes('127.0.21.2'))?.status?.memberId;
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
    expect((await cluster.store({ nearest: 1 }).get('/t/a'))?.value).toBe(1);
    expect(new Set(reports.map(({ status }) => status?.leaderId)).size).toBe(1);
    console.log(`lost disk: ready again after ${Math.round(tookMs)} ms`);
    // And once more from its own data, with the same id.
    victim.kill('SIGKILL');
    await victim.exited();
    await victim.restart();
    expect((await store.status()).find(({ endpoint }) => endpoint.includes('127.0.21.2'))?.status?.memberId).toBe(after);
  });

  test('without a quorum a member is alive but not ready, also when it has just started', async () => {
    cluster = await startEtcdCluster(1);
    const [first, second, third] = cluster.units as [EtcdCluster['units'][0], EtcdCluster['units'][0], EtcdCluster['units'][0]];
    second.kill('SIGKILL');
    third.kill('SIGKILL');
    await Promise.all([second.exited(), third.exited()]);
    await eventually('the last member is not ready', 10_000, async () => !(await first.observe()).ready);
    expect(await first.observe()).toMatchObject({ ready: false, live: true });
    first.kill('SIGSTOP');
    expect(await first.observe()).toMatchObject({ ready: false, live: false });
    first.kill('SIGCONT');
    await Promise.all([second.restart(), third.restart()]);
    await eventually('the first is ready again', 20_000, async () => (await first.observe()).ready);
    expect(readFileSync(first.logFile, 'utf8')).not.toMatch(/panic/);
  });
});
