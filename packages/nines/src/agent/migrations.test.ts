import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UnitContext } from '../engines/engine.ts';
import { clusterKeys, type MigrationRecord } from '../store/keys.ts';
import type { Entry, Store } from '../store/store.ts';
import { Migrations } from './migrations.ts';

const TIMES = { retryMs: 5, tryAgainForMs: 150, abandonedMs: 200 };

/** One key's worth of etcd, and whether it answers. */
class FakeStore {
  entries = new Map<string, Entry>();
  away = false;
  revision = 0;
  /** Carries the next write out and then says that its outcome is not known. */
  swallowNextAnswer = false;

  get = async (key: string): Promise<Entry | null> => {
    if (this.away) throw new Error('etcd is away');
    return this.entries.get(key) ?? null;
  };

  compareAndSwap = async (key: string, expected: number, value: unknown) => {
    if (this.away) throw new Error('etcd is away');
    const current = this.entries.get(key) ?? null;
    if ((current?.modRevision ?? 0) !== expected) return { ok: false as const, modRevision: current?.modRevision ?? 0, current };
    this.revision += 1;
    this.entries.set(key, { key, value, modRevision: this.revision, leaseId: null });
    if (this.swallowNextAnswer) {
      this.swallowNextAnswer = false;
      throw new Error('the outcome is not known');
    }
    return { ok: true as const, modRevision: this.revision };
  };
}

describe('migrations', () => {
  let dir: string;
  let store: FakeStore;
  let runs: string[];
  const { path } = clusterKeys('t').migration('s');
  const record = (): MigrationRecord | undefined => store.entries.get(path)?.value as MigrationRecord | undefined;
  const context = (migrate: string[] = ['m'], name = 's-0'): UnitContext =>
    ({ unit: { engine: 'service', group: 's', name }, spec: { topology: { name: 't', services: { s: { migrate } } } } }) as never;
  const on = (host: string, execute: (signal: AbortSignal) => Promise<unknown> = async () => undefined): Migrations =>
    new Migrations({
      store: store as unknown as Store,
      host,
      dataDir: mkdtempSync(join(dir, 'host-')),
      execute: (_context, _service, signal) => {
        runs.push(host);
        return execute(signal);
      },
      log: () => undefined,
      times: TIMES,
    });
  const never = (): AbortSignal => new AbortController().signal;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nines-migrations-'));
    [store, runs] = [new FakeStore(), []];
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('run once, whoever asks and however often; again for another command; with etcd away from memory', async () => {
    const [a, b] = [on('a', () => delay(20)), on('b', () => delay(20))];
    await Promise.all([a, a, b, b].map((one) => one.ensure(context(), never())));
    expect(runs).toHaveLength(1);
    await a.ensure(context(['another']), never());
    expect(runs).toHaveLength(2);
    store.away = true;
    await a.ensure(context(['another']), never());
    expect(runs).toHaveLength(2);
  });

  it('that fail are tried again for a while, then the start fails with the reason', async () => {
    const failing = on('a', async () => Promise.reject(new Error('exit 1: column missing')));
    await expect(failing.ensure(context(), never())).rejects.toThrow('migrations of s: exit 1: column missing');
    expect(runs.length).toBeGreaterThan(2);
    expect(record()).toMatchObject({ state: 'failed', reason: 'exit 1: column missing' });
    await on('b').ensure(context(), never());
    expect(record()).toMatchObject({ state: 'done', host: 'b' });
  });

  it('say that etcd is away when it stays away', async () => {
    store.away = true;
    await expect(on('a').ensure(context(), never())).rejects.toThrow('etcd is away');
  });

  it.each([
    ['a day behind', -86_400_000],
    ['a day ahead', 86_400_000],
  ])('wait for a runner that gives word, although its clock is %s, and take over from one that does not', async (_clock, skewMs) => {
    await on('x').ensure(context(), never()); // To learn the hash of the command.
    const command = record()?.command ?? '';
    store.entries.clear();
    runs.length = 0;
    const word = async (): Promise<void> => {
      const expected = store.entries.get(path)?.modRevision ?? 0;
      await store.compareAndSwap(path, expected, { command, state: 'running', host: 'other', atMs: Date.now() + skewMs, reason: '' });
    };
    await word();
    const waiting = on('a').ensure(context(), never());
    for (let words = 0; words < 6; words += 1) {
      await delay(TIMES.abandonedMs / 3);
      await word();
      expect(runs).toEqual([]);
    }
    await waiting; // No word any more.
    expect(runs).toEqual(['a']);
  });

  it('go on through an outage of etcd: not started twice on one host, and their end is told later', async () => {
    const one = on('a', () => delay(TIMES.abandonedMs));
    const done = one.ensure(context(), never());
    await delay(TIMES.abandonedMs / 10);
    store.away = true;
    await delay(TIMES.abandonedMs);
    store.away = false;
    await done;
    expect(runs).toEqual(['a']);
    expect(record()).toMatchObject({ state: 'done' });
  });

  it('go over a word of their own whose outcome was not known', async () => {
    const one = on('a', () => delay(TIMES.abandonedMs / 2));
    const done = one.ensure(context(), never());
    await delay(TIMES.abandonedMs / 10);
    store.swallowNextAnswer = true;
    await done;
    expect(runs).toEqual(['a']);
    expect(record()).toMatchObject({ state: 'done' });
  });

  it('end for the instance that is stopped, go on for the others, and are ended when nobody waits', async () => {
    let ended = false;
    const one = on('a', (signal) =>
      delay(60_000, undefined, { signal }).catch((error: unknown) => {
        ended = true;
        throw error;
      }),
    );
    const [first, second] = [new AbortController(), new AbortController()];
    const waits = [first, second].map((stop, slot) => one.ensure(context(['m'], `s-${slot}`), stop.signal).catch(String));
    await delay(20);
    first.abort(new Error('was stopped'));
    expect(await waits[0]).toContain('was stopped');
    expect(ended).toBe(false);
    second.abort(new Error('was stopped too'));
    expect(await waits[1]).toContain('was stopped too');
    await delay(20);
    expect(ended).toBe(true);
    expect(runs).toEqual(['a']);
  });
});
