import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PostgresControl } from '../../engines/postgres/control.ts';
import { isAlive, type ProcessId, readProcess } from '../process.ts';
import type { WantedUnit } from '../runner.ts';
import { UnitRecords } from '../unit-record.ts';
import { PostgresRunner, type PostgresSurroundings } from './postgres-runner.ts';

const STOP = { signal: 'SIGTERM', timeoutMs: 5_000 } as const;
const HASHES = { restartHash: 'r', reloadHash: 'l', restartCount: 0 };
const WANTED = {
  ...HASHES,
  engine: {},
  context: { unit: { group: 'main' }, paths: { dataDir: '/nowhere' } },
  plan: { name: 'u', after: [], stop: STOP, files: [], directories: [], listens: [] },
} as unknown as WantedUnit;

let dir = '';
let child: ChildProcess;
let server: ProcessId;
let runner: PostgresRunner | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nines-runner-'));
  child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
  server = readProcess(child.pid ?? 0) ?? { pid: 0, startTimeTicks: 0 };
});
afterEach(() => {
  runner?.release();
  child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** A leader's runner that has adopted `server`; its switchover is accepted, and is under way for as long as `member` says so. */
function leading(member: { isHandingOver: boolean }, createControl: () => PostgresControl): PostgresRunner {
  const around = {
    unit: {
      ...{ logDir: dir, records: new UnitRecords(join(dir, 'run')), now: () => performance.now(), wallClock: Date.now },
      ...{ changed: () => undefined, log: () => undefined },
    },
    firstTime: {},
    groups: {
      join: () => Object.assign(member, { exited: () => undefined, replaceControl: () => undefined, reason: '', isActing: true }),
      leave: () => undefined,
      view: () => null,
      health: () => ({ role: 'primary' }),
      command: async () => ({ accepted: true, reason: 'hands over' }),
    },
    createControl,
  } as unknown as PostgresSurroundings;
  const made = new PostgresRunner('u', around);
  made.adopt({ name: 'u', engine: 'postgres', after: [], stop: STOP, ...HASHES, startedAtMs: 1, id: server });
  runner = made;
  return made;
}

const control = { close: () => undefined } as unknown as PostgresControl;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it('restarts a leader in its place only when the switchover that was accepted is given up, however long its checkpoint takes', async () => {
  const member = { isHandingOver: true };
  const made = leading(member, () => control);
  made.want(WANTED);
  made.stop('a restart was asked for');
  await sleep(1_300);
  expect(isAlive(server)).toBe(true);
  member.isHandingOver = false;
  const limit = performance.now() + 5_000;
  while (isAlive(server) && performance.now() < limit) await sleep(20);
  expect(isAlive(server)).toBe(false);
});

it('makes the control of a changed topology again when it could not be made', () => {
  const failures = [false, true, false];
  let made = 0;
  const subject = leading({ isHandingOver: false }, () => {
    if (failures.shift() === true) throw new Error('ENOSPC');
    made += 1;
    return control;
  });
  subject.want(WANTED);
  const changed = { ...WANTED, reloadHash: 'other' };
  expect(() => subject.want(changed)).toThrow('ENOSPC');
  subject.want(changed);
  expect(made).toBe(2);
  subject.want(changed);
  expect(made).toBe(2);
});
