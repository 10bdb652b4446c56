import { describe, expect, it } from 'vitest';
import type { Client } from './client.ts';
import { StoreRefusedError, StoreUnavailableError, StoreUnknownError } from './store-errors.ts';
import { compareAndSwap } from './transaction.ts';
import { fromBase64, toBase64 } from './wire.ts';

const FULL = new StoreRefusedError('etcdserver: mvcc: database space exceeded', 8);

/** One key at revision 5; a swap is answered by `refusal`, done before it or not. */
function etcd(options: { does: boolean; refusal: Error; thenWritten?: number; reads?: Error }) {
  const history = [{ revision: 5, value: 'before' }];
  const seen = { reads: 0 };
  const answerRead = (revision: number) => {
    seen.reads += 1;
    if (options.reads !== undefined) throw options.reads;
    const found = history.filter((each) => revision === 0 || each.revision <= revision).at(-1);
    return { kvs: found === undefined ? [] : [{ key: toBase64('k'), value: found.value, mod_revision: String(found.revision) }] };
  };
  const ask = async (path: string, body: unknown) => {
    if (path === '/v3/kv/range') return { value: answerRead(Number((body as { revision: string }).revision)), contended: false };
    const [put] = (body as { success: { request_put: { value: string } }[] }).success;
    if (options.does) history.push({ revision: 6, value: put?.request_put.value ?? '' });
    for (let more = 1; more <= (options.thenWritten ?? 0); more += 1)
      history.push({ revision: 6 + more, value: toBase64(`other ${more}`) });
    throw options.refusal;
  };
  const client = { ask, within: () => ({}) } as unknown as Client;
  const swap = () => compareAndSwap(client, { key: 'k', expected: 5, value: 'mine', leaseId: null });
  return { swap, seen, newest: () => fromBase64(history.at(-1)?.value ?? '') };
}

describe('a swap that a full database refuses', () => {
  it('is done when it was the write that filled it', async () => {
    const { swap, newest } = etcd({ does: true, refusal: FULL });
    expect(await swap()).toEqual({ ok: true, modRevision: 6 });
    expect(newest()).toContain('mine');
    expect(await etcd({ does: true, refusal: FULL, thenWritten: 3 }).swap()).toEqual({ ok: true, modRevision: 6 });
  });

  it('is refused when the key is as it was, or was written by others first', async () => {
    await expect(etcd({ does: false, refusal: FULL }).swap()).rejects.toBe(FULL);
    await expect(etcd({ does: false, refusal: FULL, thenWritten: 2 }).swap()).rejects.toBe(FULL);
  });

  it('is unknown when the key cannot be read', async () => {
    const { swap } = etcd({ does: true, refusal: FULL, reads: new StoreUnavailableError('away') });
    await expect(swap()).rejects.toBeInstanceOf(StoreUnknownError);
  });

  it('is not looked for after any other answer', async () => {
    for (const refusal of [
      new StoreRefusedError('no permission', 7),
      new StoreUnknownError('no answer'),
      new StoreUnavailableError('away'),
    ]) {
      const { swap, seen } = etcd({ does: false, refusal });
      await expect(swap()).rejects.toBe(refusal);
      expect(seen.reads).toBe(0);
    }
  });
});
