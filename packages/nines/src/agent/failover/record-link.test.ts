import { afterEach, describe, expect, it } from 'vitest';
import { LONE, type RecordView } from '../../failover/record.ts';
import { firstRecord } from '../../failover/transitions.ts';
import { clusterKeys } from '../../store/keys.ts';
import { StoreRefusedError, StoreUnavailableError, StoreUnknownError } from '../../store/store-errors.ts';
import type { SwapResult } from '../../store/store.ts';
import { RecordLink } from './record-link.ts';

const RECORD = firstRecord('s', 'n1', LONE, { term: 1, lsn: 10 });
const KEYS = clusterKeys('c');
const entry = (value: unknown) => ({ key: KEYS.postgresRecord('main').path, value, modRevision: 7 });

describe('RecordLink', () => {
  let ending = new AbortController();
  afterEach(() => ending.abort());

  function linkOver(store: { list?: () => Promise<unknown[]>; compareAndSwap?: () => Promise<SwapResult> }) {
    ending = new AbortController();
    const seen: { reads: (RecordView | null)[]; paused: boolean[]; said: string[]; asked: number; most: number; running: number } = {
      reads: [],
      paused: [],
      said: [],
      asked: 0,
      most: 0,
      running: 0,
    };
    const link = new RecordLink({
      store: {
        list: async () => {
          seen.asked += 1;
          seen.running += 1;
          seen.most = Math.max(seen.most, seen.running);
          try {
            return ((await store.list?.()) ?? []) as never;
          } finally {
            seen.running -= 1;
          }
        },
        compareAndSwap: async () => (await store.compareAndSwap?.()) as never,
        watch: async () => undefined,
      },
      ...{ cluster: 'c', group: 'main', signal: ending.signal, now: () => performance.now() },
      onRead: (view) => void seen.reads.push(view),
      onPaused: (paused) => void seen.paused.push(paused),
      log: (message) => void seen.said.push(message),
    });
    return { link, seen };
  }
  const until = async (holds: () => boolean): Promise<void> => {
    const limit = performance.now() + 3_000;
    while (!holds() && performance.now() < limit) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(holds()).toBe(true);
  };

  it('has one read on its way, and another one after it when there was reason to', async () => {
    let answer = (): void => undefined;
    const { link, seen } = linkOver({
      list: async () => {
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return [entry(RECORD)];
      },
    });
    await until(() => seen.asked === 1);
    for (let times = 0; times < 5; times += 1) link.read();
    answer();
    await until(() => seen.asked === 2);
    answer();
    await until(() => seen.reads.length === 2);
    expect(seen).toMatchObject({ asked: 2, most: 1 });
    expect(seen.reads[0]).toEqual({ revision: 7, record: RECORD });
  });

  it('reads again until etcd answers', async () => {
    let failures = 3;
    const { link, seen } = linkOver({
      list: async () => {
        failures -= 1;
        if (failures >= 0) throw new StoreUnavailableError('away');
        return [];
      },
    });
    await until(() => seen.asked === 1);
    expect(link.reachable).toBe(false);
    await until(() => seen.reads.length === 1);
    expect(seen.reads).toEqual([null]);
    expect(link.reachable).toBe(true);
  });

  it.each([
    ['nothing', [], false],
    ['no', [{ ...entry({ paused: false }), key: KEYS.postgresPause('main').path }], false],
    ['yes', [{ ...entry({ paused: true }), key: KEYS.postgresPause('main').path }], true],
    ['what is no pause', [{ ...entry(null), key: KEYS.postgresPause('main').path }], false],
  ])('says with each read whether elections are held back: %s', async (_, entries, expected) => {
    const { seen } = linkOver({ list: async () => [entry(RECORD), ...entries] });
    await until(() => seen.reads.length === 1);
    expect(seen).toMatchObject({ paused: [expected], reads: [{ revision: 7, record: RECORD }] });
  });

  it('does not hand on what is no record, says so once, and goes on when it is one', async () => {
    const malformed = [{}, 'etcdctl put', null, { ...RECORD, guards: undefined }, { ...RECORD, epoch: 'seven' }];
    const values: unknown[] = [...malformed, RECORD];
    const { seen } = linkOver({ list: async () => [entry(values.length > 0 ? values.shift() : RECORD)] });
    await until(() => seen.reads.length === 1);
    expect(seen.asked).toBeGreaterThan(malformed.length - 1);
    expect(seen.reads).toEqual([{ revision: 7, record: RECORD }]);
    expect(seen.said).toHaveLength(1);
    const refused = linkOver({
      compareAndSwap: async () => ({ ok: false, modRevision: 8, current: { key: 'k', value: {}, modRevision: 8 } as never }),
    });
    expect(await refused.link.swap(7, RECORD)).toEqual({ outcome: 'refused', current: null });
  });

  it.each<[string, () => Promise<SwapResult>, unknown]>([
    ['done', async () => ({ ok: true, modRevision: 9 }), { outcome: 'done', view: { revision: 9, record: RECORD } }],
    [
      'refused',
      async () => ({ ok: false, modRevision: 8, current: { key: 'k', value: RECORD, modRevision: 8 } as never }),
      { outcome: 'refused', current: { revision: 8, record: RECORD } },
    ],
    ['refused', () => Promise.reject(new StoreUnavailableError('away')), { outcome: 'refused', current: null }],
    ['refused', () => Promise.reject(new StoreRefusedError('no permission', 7)), { outcome: 'refused', current: null }],
    ['unknown', () => Promise.reject(new StoreUnknownError('no answer')), { outcome: 'unknown' }],
    ['unknown', () => Promise.reject(new Error('a defect')), { outcome: 'unknown' }],
  ])('says %s of a swap only when it is so', async (_, compareAndSwap, expected) => {
    const { link } = linkOver({ list: async () => [], compareAndSwap });
    expect(await link.swap(7, RECORD)).toEqual(expected);
  });
});
