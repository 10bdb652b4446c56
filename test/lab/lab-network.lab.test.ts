/** Cuts and latencies on real namespaces: each has its effect, only where it should, and is undone. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  cut,
  everyoneBut,
  execOnHost,
  hostsInZone,
  type Lab,
  latency,
  MACHINE,
  readLab,
  restartHost,
  undoAll,
} from '../../packages/nines/src/lab/index.ts';
import {
  median,
  newLabsDir,
  onHost,
  removeLabs,
  startLab,
  tcp,
  testSignal,
  until,
  untilEngineAnswers,
  untilReaches,
} from './lab-fixture.ts';
import { describeLab } from './require-root.ts';

describeLab('lab: faults of the network', () => {
  let labsDir: string;
  let lab: Lab;
  beforeAll(async () => {
    labsDir = newLabsDir();
    lab = await startLab(labsDir, 'network');
  });
  afterEach(() => undoAll(lab, { signal: testSignal() }));
  afterAll(() => removeLabs(labsDir));

  const options = () => ({ signal: testSignal() });
  const address = (host: string) => lab.hosts[host]?.address ?? '';
  const outcome = async (from: string, to: string, port = 9000) => (await tcp(lab, from, address(to), port)).outcome;
  const machineOutcome = (to: string, timeoutMs = 500) =>
    new Promise<string>((resolve) => {
      const socket = connect(9000, to, () => end('ok'));
      // What has come by then is read first: a late process runs its timers before.
      const timer = setTimeout(() => setImmediate(end, 'timeout'), timeoutMs);
      const end = (result: string) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(result);
      };
      socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'error'));
    });

  const reaches = (from: string, to: string, port = 9000) => untilReaches(lab, from, address(to), port);
  const machineReaches = (to: string) => until(`the machine reaches ${to}`, async () => (await machineOutcome(to)) === 'ok');
  const udp = async (from: string, to: string) => (await onHost(lab, from, 'udp', address(to), '9002')).outcome;

  it('a cut is silent, holds for the pair alone, counts what it drops, and is undone', async () => {
    await reaches('a1', 'b1');
    const fault = await cut(lab, { from: ['a1'], to: ['b1'] }, options());
    expect(await outcome('a1', 'b1')).toBe('timeout');
    expect(await outcome('b1', 'a1')).toBe('timeout');
    await reaches('a1', 'c1');
    await machineReaches(address('a1'));
    const proof = await fault.proof();
    expect(proof.inEffect).toBe(true);
    expect(proof.packets).toBeGreaterThanOrEqual(2);
    await fault.undo();
    await fault.undo();
    await reaches('a1', 'b1');
    const after = await fault.proof();
    expect(after.inEffect).toBe(false);
    expect(after.packets).toBe((await fault.proof()).packets);
  });

  it('a cut of one direction drops only that one', async () => {
    // UDP alone is counted: the end of an earlier TCP connection may still be on its way.
    const fault = await cut(lab, { from: ['a1'], to: ['b1'], direction: 'from-to', protocol: 'udp' }, options());
    expect(await udp('a1', 'b1')).toBe('timeout');
    const dropped = (await fault.proof()).packets ?? 0;
    expect(dropped).toBeGreaterThan(0);
    // The request arrives; the answer, and nothing else, is dropped.
    expect(await udp('b1', 'a1')).toBe('timeout');
    expect((await fault.proof()).packets).toBe(dropped + 1);
    await fault.undo();
    const back = await cut(lab, { from: ['b1'], to: ['a1'], direction: 'to-from', protocol: 'udp' }, options());
    expect(await udp('a1', 'b1')).toBe('timeout');
    expect((await back.proof()).packets).toBe(1);
  });

  it('a cut of one port leaves the others, and one of one protocol the other', async () => {
    const fault = await cut(lab, { from: ['a1', 'c1'], to: ['b1'], port: 9000 }, options());
    expect(await outcome('a1', 'b1', 9000)).toBe('timeout');
    expect(await outcome('c1', 'b1', 9000)).toBe('timeout');
    await reaches('a1', 'b1', 9001);
    await reaches('b1', 'a1', 9000);
    await fault.undo();
    await cut(lab, { from: ['a1'], to: ['b1'], port: 9002, protocol: 'tcp' }, options());
    await until('UDP passes', async () => (await udp('a1', 'b1')) === 'ok');
    await cut(lab, { from: ['a1'], to: ['b1'], port: 9002, protocol: 'udp' }, options());
    expect(await udp('a1', 'b1')).toBe('timeout');
  });

  it('a zone that is cut off reaches nobody, and an open connection only falls silent', async () => {
    const socket = connect(9000, address('a1'));
    await new Promise((resolve) => socket.once('connect', resolve));
    const events: string[] = [];
    for (const event of ['error', 'end', 'close']) socket.on(event, () => events.push(event));
    const inside = hostsInZone(lab, 'a');
    const fault = await cut(lab, { from: inside, to: everyoneBut(lab, inside) }, options());
    socket.write('x');
    for (const peer of ['b1', 'c1']) expect(await outcome(peer, 'a1')).toBe('timeout');
    expect(await machineOutcome(address('a1'))).toBe('timeout');
    await reaches('b1', 'c1');
    expect(events).toEqual([]);
    const answered = new Promise((resolve) => socket.once('data', resolve));
    await fault.undo();
    await answered;
    socket.destroy();
  });

  it('stays silent when it lasts: no host becomes unreachable', async () => {
    await cut(lab, { from: ['a1'], to: ['b1', MACHINE] }, options());
    expect(await outcome('a1', 'b1')).toBe('timeout');
    // ARP gives up after three seconds.
    await delay(4_000);
    expect(await outcome('a1', 'b1')).toBe('timeout');
    expect(await machineOutcome(address('a1'))).toBe('timeout');
  });

  it('holds for an address that moves, on whichever host it is', async () => {
    const virtual = lab.gatewayAddress;
    const ip = (host: string, verb: string) =>
      execOnHost(lab, host, ['ip', 'address', verb, `${virtual}/24`, 'dev', 'eth0'], { signal: testSignal(), timeoutMs: 5_000 });
    await ip('b1', 'add');
    await machineReaches(virtual);
    const fault = await cut(lab, { from: ['b1'], to: [MACHINE] }, options());
    expect(await machineOutcome(virtual)).toBe('timeout');
    await untilReaches(lab, 'c1', virtual);
    await fault.undo();
    await ip('b1', 'delete');
  });

  it('a latency of one direction, then both, then none: the round trip says so, and the connection lives', async () => {
    const socket = connect(9000, address('c1')).setNoDelay();
    await new Promise((resolve) => socket.once('connect', resolve));
    const figures: Record<string, number> = {};
    const rtt = async (name: string, from: string, to: string) => {
      const { rttMs } = await tcp(lab, from, address(to), 9000, 30);
      figures[name] = Number(median(rttMs).toFixed(2));
      // The smallest: the others also hold what else the machine did.
      return Math.min(...rttMs);
    };
    const direct = await rtt('direct', 'a1', 'b1');
    const one = await latency(lab, { from: ['a1'], to: ['b1'], ms: 20, direction: 'from-to' }, options());
    const oneWay = await rtt('one way', 'a1', 'b1');
    const reverse = await rtt('seen from the other side', 'b1', 'a1');
    const two = await latency(lab, { from: ['b1'], to: ['a1'], ms: 20, direction: 'from-to' }, options());
    const bothWays = await rtt('both ways', 'a1', 'b1');
    const beside = await rtt('pair beside', 'a1', 'c1');
    const proof = await two.proof();
    await one.undo();
    await two.undo();
    const healed = await rtt('healed', 'a1', 'b1');
    process.stdout.write(`median round trip, ms: ${JSON.stringify(figures)}\n`);
    expect(proof).toMatchObject({ inEffect: true });
    expect(proof.packets).toBeGreaterThanOrEqual(30);
    for (const added of [oneWay - direct, reverse - direct]) {
      expect(added).toBeGreaterThan(19.5);
      expect(added).toBeLessThan(35);
    }
    expect(bothWays - direct).toBeGreaterThan(39);
    expect(bothWays - direct).toBeLessThan(60);
    expect(beside).toBeLessThan(15);
    expect(healed).toBeLessThan(15);
    expect((await one.proof()).inEffect).toBe(false);
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write('x');
    await answered;
    socket.destroy();
    const { relay } = await readLab(labsDir, 'network');
    await until('the relay has ended', () => !existsSync(`/proc/${relay?.pid}`));
  });

  it('an open connection passes through a latency and back without an error', async () => {
    // Open for longer than the first latency takes to come on: 400 round trips were over in 40 ms on a quiet machine.
    let isOver = false;
    const session = onHost(lab, 'a1', 'tcp-for', address('b1'), '9000', '3000').finally(() => (isOver = true));
    // Until it has ended: it may begin late.
    for (let round = 0; round < 3 || !isOver; round += 1) {
      const fault = await latency(lab, { from: ['a1'], to: ['b1'], ms: 5 }, options());
      await delay(100);
      await fault.undo();
    }
    const { outcome: end, rttMs } = await session;
    expect(end).toBe('ok');
    expect(Math.max(...rttMs)).toBeGreaterThan(9);
  });

  it('latencies add up, reach the machine and the virtual address, and a cut holds in them', async () => {
    await latency(lab, { from: ['a1'], to: ['b1'], ms: 5 }, options());
    const second = await latency(lab, { from: ['a1', 'c1'], to: ['b1', MACHINE], ms: 10 }, options());
    expect(median((await tcp(lab, 'a1', address('b1'), 9000, 10)).rttMs)).toBeGreaterThan(29);
    expect(median((await tcp(lab, 'c1', address('b1'), 9000, 10)).rttMs)).toBeGreaterThan(19);
    await machineReaches(address('a1'));
    const startedAt = performance.now();
    await machineOutcome(address('a1'));
    expect(performance.now() - startedAt).toBeGreaterThan(19);
    const barrier = await cut(lab, { from: ['a1'], to: ['b1'], direction: 'from-to' }, options());
    expect(await outcome('a1', 'b1')).toBe('timeout');
    expect((await barrier.proof()).packets).toBeGreaterThan(0);
    await reaches('c1', 'b1');
    const counted = (await barrier.proof()).packets ?? 0;
    await second.undo();
    // Not begun anew; what an earlier connection sends again is counted as well.
    expect((await barrier.proof()).packets).toBeGreaterThanOrEqual(counted);
    expect(await outcome('a1', 'b1')).toBe('timeout');
    await barrier.undo();
    await reaches('a1', 'b1');
  });

  it('stays in force when a host restarts, and another process undoes all of it', async () => {
    await latency(lab, { from: ['a1'], to: ['b1'], ms: 10 }, options());
    await cut(lab, { from: ['a1'], to: ['c1'] }, options());
    await restartHost(lab, 'a1', options());
    await untilEngineAnswers(lab, 'a1');
    expect(median((await tcp(lab, 'a1', address('b1'), 9000, 10)).rttMs)).toBeGreaterThan(19);
    expect(await outcome('c1', 'a1')).toBe('timeout');
    const again = await readLab(labsDir, 'network');
    expect(again.faults).toHaveLength(2);
    await undoAll(again, options());
    expect((await readLab(labsDir, 'network')).faults).toEqual([]);
    expect(Math.min(...(await tcp(lab, 'a1', address('b1'), 9000, 10)).rttMs)).toBeLessThan(5);
    await reaches('c1', 'a1');
  });

  it('says when its relay has died, and an undo brings the way back', async () => {
    const fault = await latency(lab, { from: ['a1'], to: ['b1'], ms: 5 }, options());
    const { relay } = await readLab(labsDir, 'network');
    process.kill(relay?.pid ?? 0, 'SIGKILL');
    await until('the proof says so', async () => !(await fault.proof()).inEffect);
    expect(await outcome('a1', 'b1')).toBe('timeout');
    await fault.undo();
    await reaches('a1', 'b1');
  });

  it('refuses hosts that are not there, on both sides, and no port', async () => {
    const faults = [
      () => cut(lab, { from: ['a9'], to: ['b1'] }, options()),
      () => cut(lab, { from: ['a1'], to: ['a1'] }, options()),
      () => cut(lab, { from: [], to: ['a1'] }, options()),
      () => cut(lab, { from: ['a1'], to: ['b1'], port: 70_000 }, options()),
      () => latency(lab, { from: ['a1'], to: ['b1'], ms: -1 }, options()),
    ];
    for (const fault of faults) await expect(fault()).rejects.toMatchObject({ code: 'E_USAGE' });
    expect((await readLab(labsDir, 'network')).faults).toEqual([]);
  });
});
