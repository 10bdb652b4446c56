/** Faults of processes and hosts on real namespaces: each has its effect and is undone. */
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  execOnHost,
  freezeHost,
  freezeProcess,
  hostProcesses,
  killHost,
  killProcess,
  type Lab,
  powerLoss,
  readLab,
  resources,
  restartHost,
  undoAll,
} from '../../packages/nines/src/lab/index.ts';
import {
  newLabsDir,
  onHost,
  removeLabs,
  startLab,
  tcp,
  testSignal,
  traces,
  until,
  untilEngineAnswers,
  untilReaches,
} from './lab-fixture.ts';
import { describeLab } from './require-root.ts';

describeLab('lab: faults of processes and hosts', () => {
  let labsDir: string;
  let lab: Lab;
  beforeAll(async () => {
    labsDir = newLabsDir();
    lab = await startLab(labsDir, 'hosts');
  });
  afterEach(async () => {
    await undoAll(lab, { signal: testSignal() });
    for (const host of Object.keys(lab.hosts)) await untilEngineAnswers(lab, host);
  });
  afterAll(() => removeLabs(labsDir));

  const options = () => ({ signal: testSignal() });
  const address = (host: string) => lab.hosts[host]?.address ?? '';
  const outcome = async (from: string, to: string) => (await tcp(lab, from, address(to))).outcome;
  const reaches = (from: string, to: string) => untilReaches(lab, from, address(to));
  const shell = async (host: string, script: string) =>
    (await execOnHost(lab, host, ['sh', '-c', script], { signal: testSignal(), timeoutMs: 5_000 })).stdout;
  const find = async (host: string, word: string) => {
    const found = (await hostProcesses(lab, host)).find(({ argv }) => argv[0] === process.execPath && argv.includes(word));
    if (found === undefined) throw new Error(`no ${word} on ${host}`);
    return found;
  };

  it('kills one process, and its port refuses', async () => {
    const engine = await find('a1', 'engine');
    const fault = await killProcess(lab, 'a1', engine.pid, options());
    expect(await fault.proof()).toMatchObject({ inEffect: true });
    await until('its port refuses', async () => (await outcome('b1', 'a1')) === 'ECONNREFUSED');
    await fault.undo();
    const agent = await find('a1', 'agent');
    await killProcess(lab, 'a1', agent.pid, options());
    await expect(killProcess(lab, 'a1', 99_999, options())).rejects.toMatchObject({ code: 'E_USAGE' });
  });

  it('freezes one process: its kernel accepts, it does not answer; it goes on at the undo', async () => {
    const engine = await find('a1', 'engine');
    const fault = await freezeProcess(lab, 'a1', engine.pid, options());
    expect(await fault.proof()).toMatchObject({ inEffect: true });
    expect(await outcome('b1', 'a1')).toBe('timeout');
    expect((await find('a1', 'agent')).state).not.toBe('T');
    await fault.undo();
    await fault.undo();
    expect(await fault.proof()).toMatchObject({ inEffect: false });
    await reaches('b1', 'a1');
    expect((await find('a1', 'engine')).pid).toBe(engine.pid);
  });

  it('freezes a host with every process, and wakes it without those that were frozen before', async () => {
    const engine = await find('b1', 'engine');
    const before = (await hostProcesses(lab, 'b1')).map(({ pid }) => pid);
    const process = await freezeProcess(lab, 'b1', engine.pid, options());
    const host = await freezeHost(lab, 'b1', options());
    expect(await host.proof()).toMatchObject({ inEffect: true });
    expect((await hostProcesses(lab, 'b1')).map(({ state }) => state)).toEqual(before.map(() => 'T'));
    await host.undo();
    expect((await find('b1', 'engine')).state).toBe('T');
    expect((await hostProcesses(lab, 'b1')).filter(({ state }) => state === 'T')).toHaveLength(1);
    await process.undo();
    await reaches('a1', 'b1');
    expect((await hostProcesses(lab, 'b1')).map(({ pid }) => pid)).toEqual(before);
  });

  it('a process that is woken on a frozen host sleeps until the host wakes', async () => {
    const engine = await find('b1', 'engine');
    const process = await freezeProcess(lab, 'b1', engine.pid, options());
    const host = await freezeHost(lab, 'b1', options());
    await process.undo();
    expect((await find('b1', 'engine')).state).toBe('T');
    await host.undo();
    expect((await find('b1', 'engine')).state).not.toBe('T');
  });

  it('kills a host: silent to those who are connected, gone from the machine; the undo boots it with its files', async () => {
    await shell('c1', 'echo kept >/var/lib/nines/file; echo gone >/run/file; ip address add 10.99.99.99/32 dev eth0');
    const socket = connect(9000, address('c1'));
    await new Promise((resolve) => socket.once('connect', resolve));
    const events: string[] = [];
    for (const event of ['error', 'end', 'close']) socket.on(event, () => events.push(event));
    const fault = await killHost(lab, 'c1', options());
    expect(await fault.proof()).toMatchObject({ inEffect: true });
    expect((await resources(lab)).loopDevices).toHaveLength(2);
    // As a word: the lab's random id may have these letters too.
    expect(traces(lab).filter((trace) => /[-/ ]c1\b/.test(trace))).toEqual([]);
    expect(await outcome('a1', 'c1')).toBe('timeout');
    expect(events).toEqual([]);
    socket.destroy();
    await expect(shell('c1', 'true')).rejects.toMatchObject({ code: 'E_HOST_OFF' });
    await expect(killHost(lab, 'c1', options())).rejects.toMatchObject({ code: 'E_HOST_OFF' });
    await fault.undo();
    await fault.undo();
    await untilEngineAnswers(lab, 'c1');
    await reaches('a1', 'c1');
    expect(await shell('c1', 'cat /var/lib/nines/file; ls /run/file; ip address show dev eth0 to 10.99.99.99')).toBe('kept\n');
  });

  it('a power loss keeps what was synced and loses what was not', async () => {
    await onHost(lab, 'a1', 'write', '/var/lib/nines/synced', 'sync');
    await onHost(lab, 'a1', 'write', '/var/lib/nines/unsynced', 'no');
    expect((await shell('a1', 'stat -c "%n %s" /var/lib/nines/*synced')).split('\n')).toEqual([
      '/var/lib/nines/synced 65536',
      '/var/lib/nines/unsynced 65536',
      '',
    ]);
    const startedAt = performance.now();
    const fault = await powerLoss(lab, 'a1', options());
    const offMs = performance.now() - startedAt;
    expect(await fault.proof()).toMatchObject({ inEffect: true });
    expect(await outcome('b1', 'a1')).toBe('timeout');
    await restartHost(lab, 'a1', options());
    process.stdout.write(
      `power loss took ${offMs.toFixed(0)} ms, and ${(performance.now() - startedAt).toFixed(0)} ms until it was on again\n`,
    );
    expect(await fault.proof()).toMatchObject({ inEffect: false });
    expect(await shell('a1', 'stat -c "%n %s" /var/lib/nines/synced')).toBe('/var/lib/nines/synced 65536\n');
    // Its name, or its content, was never on the disk.
    expect(await shell('a1', '[ -s /var/lib/nines/unsynced ] && cat /var/lib/nines/unsynced | wc -c')).not.toContain('65536');
    expect((await readLab(labsDir, 'hosts')).faults).toEqual([]);
  });

  it('a kill of the host keeps what was not synced', async () => {
    await onHost(lab, 'a1', 'write', '/var/lib/nines/written', 'no');
    const fault = await killHost(lab, 'a1', options());
    await fault.undo();
    expect(await shell('a1', 'stat -c %s /var/lib/nines/written')).toBe('65536\n');
  });

  it('restarts a host: other processes, the same address, the same disk', async () => {
    const before = lab.hosts['b1']?.init?.pid;
    await shell('b1', 'echo kept >/var/lib/nines/file');
    const after = await restartHost(lab, 'b1', options());
    expect(after.hosts['b1']?.init?.pid).not.toBe(before);
    await untilEngineAnswers(lab, 'b1');
    await reaches('c1', 'b1');
    await reaches('b1', 'c1');
    expect(await shell('b1', 'cat /var/lib/nines/file; ip address show dev eth0')).toMatch(new RegExp(`^kept[^]*${address('b1')}/24`));
  });

  it('undoes everything that is on, from the record, newest first', async () => {
    await freezeHost(lab, 'a1', options());
    await killHost(lab, 'b1', options());
    await freezeProcess(lab, 'c1', (await find('c1', 'engine')).pid, options());
    const again = await readLab(labsDir, 'hosts');
    expect(again.faults.map(({ kind }) => kind)).toEqual(['freeze-host', 'host-off', 'freeze-process']);
    await undoAll(again, options());
    for (const host of Object.keys(lab.hosts)) await untilEngineAnswers(lab, host);
    expect((await readLab(labsDir, 'hosts')).faults).toEqual([]);
  });
});
