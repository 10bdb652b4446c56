import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UnitPlan } from '../engines/engine.ts';
import { mayCall } from './api.ts';
import { BACKOFF, backoffMs, failuresAfterExit } from './backoff.ts';
import { DesiredState, parseSpec } from './desired-state.ts';
import { materialise } from './files.ts';
import type { HostState } from './host-state.ts';
import { rotateLogs, tailLog } from './log-files.ts';
import { renderMetrics } from './metrics.ts';
import { planHashes } from './plan-hash.ts';
import { isAlive, readProcess, signalProcess } from './process.ts';
import { run } from './run.ts';

const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nines-parts-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const planWith = (files: UnitPlan['files'], reloadSignal: NodeJS.Signals | null = 'SIGHUP'): UnitPlan => ({
  name: 'a',
  engine: 'service',
  after: [],
  argv: ['/bin/true'],
  env: {},
  cwd: '/',
  user: me,
  directories: [],
  files,
  stop: { signal: 'SIGTERM', timeoutMs: 1 },
  startTimeoutMs: 1,
  reloadSignal,
  listens: [],
});

async function until<Found>(what: string, look: () => Found | null): Promise<Found> {
  const limitMs = performance.now() + 8_000;
  for (;;) {
    const found = look();
    if (found !== null) return found;
    if (performance.now() > limitMs) throw new Error(`never: ${what}`);
    await delay(10);
  }
}

describe('backoff', () => {
  it('restarts at once after the first failure, then waits longer and longer, never beyond its bound', () => {
    expect(backoffMs(1, 0.9)).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
        const wait = backoffMs(failures, random);
        expect(wait).toBeGreaterThanOrEqual(BACKOFF.baseMs / 2);
        expect(wait).toBeLessThanOrEqual(BACKOFF.maxMs);
        expect(backoffMs(failures + 1, random)).toBeGreaterThanOrEqual(wait);
      }),
    );
  });

  it('forgets failures only after the unit was ready for a while', () => {
    expect(failuresAfterExit(5, null, 1e9)).toBe(6);
    expect(failuresAfterExit(5, 0, BACKOFF.forgetAfterMs - 1)).toBe(6);
    expect(failuresAfterExit(5, 0, BACKOFF.forgetAfterMs)).toBe(1);
  });
});

describe('files of a unit', () => {
  it('are written once, and a change says what the process has to do', () => {
    const file = (content: string, onChange: UnitPlan['files'][number]['onChange']) => ({
      path: join(dir, onChange),
      content,
      mode: 0o600,
      onChange,
    });
    const all = (content: string) => [file(content, 'reload'), file(content, 'restart'), file(content, 'create-only')];
    expect(materialise(planWith(all('1')))).toBe('restart');
    expect(materialise(planWith(all('1')))).toBe('none');
    expect(materialise(planWith([file('2', 'reload'), file('1', 'restart'), file('2', 'create-only')]))).toBe('reload');
    expect(readFileSync(join(dir, 'create-only'), 'utf8')).toBe('1');
    expect(statSync(join(dir, 'reload')).mode & 0o777).toBe(0o600);
  });

  it('count towards a restart when the process cannot reload', () => {
    const files = (content: string) => [{ path: '/x', content, mode: 0o600, onChange: 'reload' as const }];
    expect(planHashes(planWith(files('1'))).restartHash).toBe(planHashes(planWith(files('2'))).restartHash);
    expect(planHashes(planWith(files('1'))).reloadHash).not.toBe(planHashes(planWith(files('2'))).reloadHash);
    expect(planHashes(planWith(files('1'), null)).restartHash).not.toBe(planHashes(planWith(files('2'), null)).restartHash);
  });
});

describe('logs', () => {
  it('are rotated by copy and truncate, and keep so many', () => {
    const file = join(dir, 'a.log');
    for (const round of [1, 2, 3, 4, 5]) {
      writeFileSync(file, `round ${round}\n`.repeat(20));
      expect(rotateLogs(dir, { maxBytes: 100, keep: 3 })).toEqual(['a.log']);
    }
    expect(statSync(file).size).toBe(0);
    expect(['1', '2', '3'].map((age) => tailLog(`${file}.${age}`, 1))).toEqual(['round 5', 'round 4', 'round 3']);
    expect(() => statSync(`${file}.4`)).toThrow();
    expect(tailLog(join(dir, 'none.log'), 5)).toBe('');
  });

  it('are cut without a copy when the disk is full', () => {
    const file = join(dir, 'a.log');
    writeFileSync(file, 'line\n'.repeat(100));
    const full = (_from: unknown, to: unknown): never => {
      writeFileSync(String(to), 'a part');
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    };
    expect(rotateLogs(dir, { maxBytes: 100, keep: 3 }, full)).toEqual(['a.log']);
    expect(statSync(file).size).toBe(0);
    expect(readdirSync(dir)).toEqual(['a.log']);
  });
});

describe('run', () => {
  it('ends what a tool started when the deadline comes', async () => {
    const started = performance.now();
    await expect(run(['/bin/sh', '-c', 'sleep 30 & wait'], { timeoutMs: 200, signal: new AbortController().signal })).rejects.toThrow(
      'in time',
    );
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it.runIf(process.getuid?.() === 0)('takes a tool of another user with it when it is killed itself', async () => {
    const pidFile = join(dir, 'pid');
    writeFileSync(pidFile, '', { mode: 0o666 });
    chmodSync(pidFile, 0o666);
    chmodSync(dir, 0o777);
    const runFile = fileURLToPath(new URL('./run.ts', import.meta.url));
    const program = `import { run } from ${JSON.stringify(runFile)};
      void run(['/bin/sh', '-c', 'echo $$ > ${pidFile}; exec sleep 60'], { user: { uid: 65534, gid: 65534 }, signal: new AbortController().signal });`;
    const agent = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'ignore' });
    const tool = await until('the tool runs', () => readProcess(Number(readFileSync(pidFile, 'utf8')) || -1));
    agent.kill('SIGKILL');
    try {
      await until('the tool is gone', () => (isAlive(tool) ? null : true));
    } finally {
      signalProcess(tool, 'SIGKILL');
    }
  });

  it('tells the last words of a tool that fails', async () => {
    const signal = new AbortController().signal;
    await expect(run(['/bin/ls', '/nowhere'], { signal })).rejects.toThrow(/exit 2: .*nowhere/);
    const script = "process.stdin.destroy(); throw new TypeError('no such column')";
    await expect(run([process.execPath, '-e', script], { signal })).rejects.toThrow(/exit 1: TypeError: no such column$/);
    expect((await run(['/bin/cat'], { input: 'through', signal })).stdout).toBe('through');
  });
});

describe('desired state', () => {
  const spec = (revision: number) =>
    JSON.stringify({ revision, topology: { name: 't' }, placement: { units: [] }, hosts: { h: { address: '127.0.0.1' } } });

  it('only moves forward, and is on disk', () => {
    const file = join(dir, 'desired.json');
    writeFileSync(file, spec(3));
    const desired = new DesiredState(file, 'h');
    expect(desired.accept(parseSpec(spec(2), 'h'))).toBe(false);
    expect(desired.accept(parseSpec(spec(4), 'h'))).toBe(true);
    expect(new DesiredState(file, 'h').spec.revision).toBe(4);
  });

  it('refuses what is no spec, naming the field', () => {
    expect(() => parseSpec('{', 'h')).toThrow('not JSON');
    expect(() => parseSpec(spec(1), 'other')).toThrow('hosts.other.address');
    expect(() => parseSpec('{"revision":"1"}', 'h')).toThrow('revision');
  });
});

describe('agent API', () => {
  it('lets each certificate ask only for what is its business', () => {
    expect(mayCall('operator', '/v1/logs/orders-1')).toBe(true);
    expect(mayCall('prometheus', '/metrics')).toBe(true);
    expect(mayCall('prometheus', '/v1/state')).toBe(false);
    expect(mayCall('agent', '/v1/logs/etcd')).toBe(false);
    for (const stranger of ['nobody', 'postgres', 'constructor', '']) expect(mayCall(stranger, '/v1/state')).toBe(false);
    expect(mayCall('operator', '/v1/logs/../../etc/passwd')).toBe(false);
  });

  it('renders metrics with escaped labels and only figures', () => {
    const state = {
      host: 'h',
      zone: 'a',
      region: 'r',
      cluster: 'c',
      revision: 2,
      storeReachable: true,
      agent: { rssBytes: 5 },
      disk: { freeBytes: 3, sizeBytes: 4 },
      certificates: [{ name: 'etcd', expiresAtMs: 5_000 }],
      units: [
        {
          name: 'x',
          engine: 'redis',
          group: 'g"\\\n',
          ready: true,
          role: 'master',
          restarts: 2,
          details: { lag: 7, up: true, text: 'no' },
        },
      ],
    } as unknown as HostState;
    const lines = renderMetrics(state, { groups: () => [], view: () => null, health: () => null }).split('\n');
    expect(lines).toContain('nines_unit_ready{unit="x",engine="redis",group="g\\"\\\\\\n",host="h",zone="a",role="master"} 1');
    expect(lines.filter((line) => line.startsWith('nines_unit_detail'))).toHaveLength(2);
    expect(lines).toContain('nines_certificate_expires_seconds{host="h",zone="a",name="etcd"} 5');
    expect(lines).toContain('nines_host_disk_free_bytes{host="h",zone="a"} 3');
  });
});
