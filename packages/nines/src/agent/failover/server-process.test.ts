import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UnitPlan } from '../../engines/engine.ts';
import { isAlive } from '../process.ts';
import { spawnUnit } from '../spawn.ts';
import { UnitRecords } from '../unit-record.ts';
import { RecordedServer } from './server-process.ts';

const plan: UnitPlan = {
  ...{ name: 'u', engine: 'postgres', after: [], argv: ['/bin/sleep', '1000'], env: {}, cwd: '/', directories: [], files: [], listens: [] },
  user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
  ...{ stop: { signal: 'SIGINT', timeoutMs: 1_000 }, startTimeoutMs: 1_000, reloadSignal: null },
};

describe('RecordedServer', () => {
  let dir = '';
  let records: UnitRecords;
  let events: string[] = [];
  const servers: RecordedServer[] = [];
  const soon = () => AbortSignal.timeout(5_000);

  const make = (): RecordedServer => {
    const server: RecordedServer = new RecordedServer({
      ...{ name: 'u', logFile: join(dir, 'u.log'), records },
      prepare: () => ({
        ...{
          name: 'u',
          engine: 'postgres',
          after: [],
          stop: plan.stop,
          restartHash: 'r',
          reloadHash: 'l',
          restartCount: 0,
          startedAtMs: 1,
        },
      }),
      spawn: () => spawnUnit(plan, join(dir, 'u.log')),
      started: () => void events.push('started'),
      ended: (how) => void events.push(`${how}, pid ${server.pid}`),
    });
    servers.push(server);
    return server;
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nines-server-'));
    records = new UnitRecords(join(dir, 'run'));
    events = [];
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.kill('SIGKILL');
      await server.gone(soon());
    }
    rmSync(dir, { recursive: true, force: true });
  });

  it('runs one process at a time, recorded, and tells its end before whoever waits for it goes on', async () => {
    const server = make();
    await server.gone(soon());
    await server.spawn(soon());
    await expect(server.spawn(soon())).rejects.toThrow('runs already');
    expect(records.readAll()).toMatchObject([{ name: 'u', id: { pid: server.pid } }]);
    const gone = server.gone(soon()).then(() => void events.push('gone'));
    server.kill('SIGTERM');
    await gone;
    expect(events).toEqual(['started', 'was ended by SIGTERM, pid null', 'gone']);
    expect(records.readAll()).toEqual([]);
    await server.spawn(soon());
    expect(server.pid).not.toBe(null);
  });

  it('hears the end of a process that could not be written down', async () => {
    const server = make();
    const write = records.write.bind(records);
    records.write = (record) => {
      if (record.id !== null) throw new Error('ENOSPC');
      write(record);
    };
    await expect(server.spawn(soon())).rejects.toThrow('ENOSPC');
    expect(server.pid).not.toBe(null);
    server.kill('SIGKILL');
    await server.gone(soon());
    expect(server.pid).toBe(null);
  });

  it('is left to the next agent, which finds its end by looking', async () => {
    const first = make();
    await first.spawn(soon());
    const [record] = records.readAll();
    const second = make();
    expect(record === undefined ? false : second.adopt(record)).toBe(true);
    expect(second.pid).toBe(first.pid);
    const startedMs = performance.now();
    second.kill('SIGKILL');
    await second.gone(soon());
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(events.filter((event) => event.startsWith('ended'))).toHaveLength(1);
  });

  it('does not adopt what is gone, and stops waiting when it is told to', async () => {
    const server = make();
    await server.spawn(soon());
    const [record] = records.readAll();
    await expect(server.gone(AbortSignal.timeout(20))).rejects.toThrow();
    server.kill('SIGKILL');
    await server.gone(soon());
    expect(record?.id !== null && record !== undefined && isAlive(record.id)).toBe(false);
    expect(record === undefined ? true : make().adopt(record)).toBe(false);
  });
});
