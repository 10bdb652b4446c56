/** The lab on real namespaces: made, booted, entered, destroyed; whatever happens, nothing is left. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  bootHost,
  createLab,
  destroyLab,
  execOnHost,
  hostProcesses,
  type Lab,
  listLabs,
  readLab,
  resources,
} from '../../packages/nines/src/lab/index.ts';
import { environmentFor } from '../../packages/nines/src/lab/run-command.ts';
import {
  BOOT,
  HOSTS,
  newLabsDir,
  noLog,
  PROGRAM,
  removeLabs,
  startLab,
  testSignal,
  tool,
  traces,
  until,
  untilReaches,
} from './lab-fixture.ts';
import { describeLab } from './require-root.ts';

describeLab('lab: life of a lab', () => {
  let labsDir: string;
  beforeEach(() => {
    labsDir = newLabsDir();
  });
  afterEach(() => removeLabs(labsDir));

  const create = (name: string, signal = testSignal()) =>
    createLab({ name, labsDir, hosts: HOSTS, diskBytes: 256 * 2 ** 20, signal, log: noLog });
  const destroy = (name: string) => destroyLab(labsDir, name, { signal: testSignal(), log: noLog });
  const run = (lab: Lab, host: string, ...argv: string[]) => execOnHost(lab, host, argv, { signal: testSignal(), timeoutMs: 10_000 });

  it('is up and destroyed in seconds, and leaves nothing', async () => {
    const times: { upMs: number; destroyMs: number }[] = [];
    for (const round of [1, 2, 3]) times.push(await upAndDown(`timed-${round}`));
    // The best of three: what else the machine does is not the lab's time.
    const [upMs, destroyMs] = [Math.min(...times.map((time) => time.upMs)), Math.min(...times.map((time) => time.destroyMs))];
    process.stdout.write(`lab of 3 hosts: up in ${upMs.toFixed(0)} ms, destroyed in ${destroyMs.toFixed(0)} ms\n`);
    expect(upMs).toBeLessThan(6_000);
    expect(destroyMs).toBeLessThan(4_500);
    expect(await destroy('timed-1')).toBe(false);
  });

  async function upAndDown(name: string) {
    const startedAt = performance.now();
    const lab = await create(name);
    await Promise.all(Object.keys(lab.hosts).map((host) => bootHost(lab, host, { ...BOOT, signal: testSignal() })));
    const upMs = performance.now() - startedAt;
    const found = await resources(lab);
    expect(found.namespaces).toHaveLength(4);
    expect(found.links).toEqual([lab.machineLink]);
    expect(found.loopDevices).toHaveLength(3);
    expect(found.mounts).toHaveLength(4);
    expect(found.processes.length).toBeGreaterThanOrEqual(6);
    expect(traces(lab).length).toBeGreaterThanOrEqual(4 + 1 + 3 + 4 + 6);
    const destroyAt = performance.now();
    expect(await destroy(name)).toBe(true);
    const destroyMs = performance.now() - destroyAt;
    expect(traces(lab)).toEqual([]);
    expect(await resources(lab)).toEqual({ processes: [], namespaces: [], links: [], mounts: [], loopDevices: [] });
    expect(readdirSync(labsDir)).toEqual([]);
    return { upMs, destroyMs };
  }

  it('gives each host its own processes, address, name, disk and /run', async () => {
    const lab = await startLab(labsDir, 'own');
    const a1 = lab.hosts['a1'];
    expect((await run(lab, 'a1', 'cat', '/proc/sys/kernel/hostname')).stdout.trim()).toBe('a1');
    expect((await run(lab, 'a1', 'ls', '/run')).stdout.split('\n').sort()).toEqual(['', 'agents', 'engine', 'nines']);
    expect((await run(lab, 'a1', 'df', '--output=source', '/var/lib/nines')).stdout).toContain('/dev/loop');
    expect((await run(lab, 'a1', 'sh', '-c', `echo x >${PROGRAM}`)).stderr).toContain('Read-only file system');
    const pids = (await hostProcesses(lab, 'a1')).map(({ pid }) => pid);
    expect(pids[0]).toBe(1);
    expect(pids.length).toBe(3);
    for (const peer of ['b1', 'c1']) await untilReaches(lab, peer, a1?.address ?? '');
    await new Promise<void>((resolve, reject) => {
      const socket = connect(9000, a1?.address ?? '', () => socket.end());
      socket.on('close', () => resolve()).on('error', reject);
    });
    const asUser = await execOnHost(lab, 'a1', ['id', '-un'], { signal: testSignal(), timeoutMs: 5_000, user: 'nobody' });
    expect(asUser.exitCode === 0 ? asUser.stdout.trim() : asUser.stderr).toBe('nobody');
    const echo = await execOnHost(lab, 'a1', ['cat'], { signal: testSignal(), timeoutMs: 5_000, input: 'hello' });
    expect(echo).toEqual({ stdout: 'hello', stderr: '', exitCode: 0 });
  });

  it('ends a command on a host at its deadline, with all it has started', async () => {
    const lab = await startLab(labsDir, 'deadline');
    const command = execOnHost(lab, 'a1', ['sh', '-c', 'sleep 4711; true'], { signal: testSignal(), timeoutMs: 200 });
    await expect(command).rejects.toMatchObject({ code: 'E_LAB_COMMAND' });
    await until('the sleep is gone', async () => !(await hostProcesses(lab, 'a1')).some(({ argv }) => argv.includes('4711')));
  });

  it('starts the agent again; its engine outlives it, has a new parent, and is reaped when it dies', async () => {
    const lab = await startLab(labsDir, 'orphan');
    const agentOf = async () => (await hostProcesses(lab, 'b1')).find(({ argv }) => argv.includes('agent') && argv[0] === process.execPath);
    const engineOf = async () => (await hostProcesses(lab, 'b1')).find(({ argv }) => argv.includes('engine'));
    const agent = await agentOf();
    const engine = await engineOf();
    expect(engine?.parentPid).toBe(agent?.pid);
    process.kill(agent?.hostPid ?? 0, 'SIGKILL');
    await until('another agent runs', async () => {
      const next = await agentOf();
      return next !== undefined && next.pid !== agent?.pid;
    });
    const adopted = await engineOf();
    expect(adopted).toMatchObject({ hostPid: engine?.hostPid, startTimeTicks: engine?.startTimeTicks, parentPid: 1 });
    await untilReaches(lab, 'a1', lab.hosts['b1']?.address ?? '');
    process.kill(engine?.hostPid ?? 0, 'SIGKILL');
    await until('the engine is reaped', async () => !(await hostProcesses(lab, 'b1')).some(({ pid }) => pid === engine?.pid));
  });

  it('keeps the host when its destruction is asked for twice at once', async () => {
    const lab = await startLab(labsDir, 'twice');
    expect((await Promise.all([destroy('twice'), destroy('twice')])).sort()).toEqual([false, true]);
    expect(traces(lab)).toEqual([]);
  });

  it('ends what a killed creation left at work, outside every namespace', async () => {
    const lab = await startLab(labsDir, 'left-over');
    const child = spawn('sleep', ['4712'], { detached: true, stdio: 'ignore', env: environmentFor(lab) });
    const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    await destroy('left-over');
    expect(await ended).toBe('SIGKILL');
    expect(traces(lab)).toEqual([]);
  });

  it('cleans up from the record alone after a crash at any moment', async () => {
    const program = fileURLToPath(new URL('./lab-crash-program.ts', import.meta.url));
    const seen = new Set<string>();
    for (const stage of ['started', 'created', 'a1 is on', 'b1 is on']) {
      for (const laterMs of [0, 15, 40, 80]) {
        const child = spawn(process.execPath, [program, labsDir], { stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = new Promise((resolve) => child.once('exit', resolve));
        let said = '';
        child.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString();
        });
        await until(`the program says '${stage}'`, () => said.includes(stage));
        await delay(laterMs);
        child.kill('SIGKILL');
        await ended;
        const [lab] = await listLabs(labsDir);
        await destroy('crash');
        seen.add(lab === undefined ? 'no record' : `${Object.values(lab.hosts).filter(({ init }) => init !== null).length} hosts on`);
        if (lab !== undefined) expect(traces(lab)).toEqual([]);
        expect(readdirSync(labsDir)).toEqual([]);
      }
    }
    process.stdout.write(`crashed with ${[...seen].sort().join(', ')}\n`);
    expect(seen.size).toBeGreaterThan(2);
  });

  it('leaves nothing when its creation is interrupted', async () => {
    const controller = new AbortController();
    const creation = create('interrupted', controller.signal);
    await until('it has a record', () => existsSync(join(labsDir, 'interrupted', 'lab.json')));
    const lab = await readLab(labsDir, 'interrupted');
    controller.abort();
    await expect(creation).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    expect(traces(lab)).toEqual([]);
    expect(readdirSync(labsDir)).toEqual([]);
  });

  it('runs beside another lab, started at the same moment, and does not feel its end', async () => {
    const [one, other] = await Promise.all([startLab(labsDir, 'one'), startLab(labsDir, 'other')]);
    expect(one.id).not.toBe(other.id);
    expect(one.network.cidr).not.toBe(other.network.cidr);
    await run(other, 'a1', 'sh', '-c', 'echo kept >/var/lib/nines/file');
    await destroy('one');
    expect((await run(other, 'a1', 'cat', '/var/lib/nines/file')).stdout).toBe('kept\n');
    await untilReaches(other, 'a1', other.hosts['c1']?.address ?? '');
    expect(traces(one)).toEqual([]);
  });

  it('refuses a second lab of the name, addresses in use, and a boot of a host that is on', async () => {
    const lab = await startLab(labsDir, 'first');
    await expect(create('first')).rejects.toMatchObject({ code: 'E_LAB_EXISTS' });
    const taken = { a1: { zone: 'a', address: lab.hosts['a1']?.address ?? '' } };
    const second = createLab({ name: 'second', labsDir, hosts: taken, signal: testSignal(), log: noLog });
    await expect(second).rejects.toMatchObject({ code: 'E_ADDRESS_TAKEN' });
    await expect(bootHost(lab, 'a1', { ...BOOT, signal: testSignal() })).rejects.toMatchObject({ code: 'E_USAGE' });
    await untilReaches(lab, 'b1', lab.hosts['a1']?.address ?? '');
    expect((await listLabs(labsDir)).map(({ name }) => name)).toEqual(['first']);
  });

  it('chooses a network that no namespace of the machine uses, not even one without a process', async () => {
    const lab = await create('probe');
    await destroy('probe');
    const namespace = `test-${lab.id}`;
    const ip = (...argv: string[]) => tool('ip', ...argv);
    ip('netns', 'add', namespace);
    try {
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      ip('-n', namespace, 'address', 'add', `${lab.machineAddress}/32`, 'dev', 'lo');
      expect((await create('beside')).network.cidr).not.toBe(lab.network.cidr);
    } finally {
      ip('netns', 'delete', namespace);
    }
  });

  it('refuses a disk without room for the hosts, and leaves nothing', async () => {
    tool('mount', '-t', 'tmpfs', '-o', 'size=64m', 'small', labsDir);
    try {
      await expect(create('full')).rejects.toMatchObject({ code: 'E_DISK_FULL' });
      expect(readdirSync(labsDir)).toEqual([]);
    } finally {
      tool('umount', labsDir);
    }
  });

  it('says what kept a host from booting, and leaves it off', async () => {
    const lab = await create('broken');
    const mounts = [{ source: '/no/such/file', target: '/run/nines/missing', readOnly: true }];
    const boot = bootHost(lab, 'a1', { ...BOOT, mounts, signal: testSignal() });
    await expect(boot).rejects.toMatchObject({ code: 'E_LAB_COMMAND', message: expect.stringContaining('/no/such/file') as string });
    expect((await resources(lab)).processes).toEqual([]);
    await expect(run(lab, 'a1', 'true')).rejects.toMatchObject({ code: 'E_HOST_OFF' });
  });

  it('keeps its record from other users', async () => {
    const lab = await create('private');
    expect(statSync(lab.dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(lab.dir, 'lab.json')).mode & 0o777).toBe(0o600);
  });
});
