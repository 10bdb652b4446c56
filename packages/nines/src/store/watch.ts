import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from './client.ts';
import { type Member, openStream } from './gateway.ts';
import { prefixRangeEnd, toBase64 } from './wire.ts';

export interface WatchLimits {
  /** A stream is opened anew after this time, at another member: one at a frozen or cut-off member is silent for ever. */
  reopenAfterMs: number;
  /** Until the stream has begun. */
  openTimeoutMs: number;
}

export const WATCH_LIMITS: WatchLimits = { reopenAfterMs: 5_000, openTimeoutMs: 1_000 };

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 2_000;

/**
 * Calls `onWake` when something under the prefix may have changed, and each time a stream is opened, since what changed
 * in between was not seen: at least every `reopenAfterMs` while any member answers. It says nothing about what changed;
 * the truth is a read. Resolves when the signal ends it; rejects only with an error that `onWake` throws.
 */
export async function watch(client: Client, prefix: string, onWake: () => void, signal: AbortSignal, limits: WatchLimits): Promise<void> {
  let backoffMs = FIRST_BACKOFF_MS;
  let last: Member | null = null;
  while (!signal.aborted) {
    const member: Member | undefined = nextMember(client, last);
    if (member === undefined) return;
    last = member;
    const heard = await listen(client, member, prefix, onWake, signal, limits);
    if (signal.aborted) return;
    if (heard) {
      client.members.answered(member);
      backoffMs = FIRST_BACKOFF_MS;
      continue;
    }
    client.members.failed(member, performance.now());
    await delay(backoffMs, undefined, { signal }).catch(() => undefined);
    backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
  }
}

/** Not the same member twice while there is another that answers. */
function nextMember(client: Client, last: Member | null): Member | undefined {
  const order = client.members.order(performance.now());
  return order[0] === last ? (order[1] ?? order[0]) : order[0];
}

/** One stream until its time is over or it breaks. True when it had begun. */
async function listen(
  client: Client,
  member: Member,
  prefix: string,
  onWake: () => void,
  signal: AbortSignal,
  limits: WatchLimits,
): Promise<boolean> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  signal.addEventListener('abort', abort, { once: true });
  let timer = setTimeout(abort, limits.openTimeoutMs);
  const body = { create_request: { key: toBase64(prefix), range_end: prefixRangeEnd(prefix) } };
  let begun = false;
  try {
    const response = await openStream({ member, agent: client.agent('watch'), path: '/v3/watch', body, signal: stop.signal });
    if (response.statusCode !== 200) return false;
    clearTimeout(timer);
    timer = setTimeout(abort, limits.reopenAfterMs);
    const chunks = response[Symbol.asyncIterator]();
    for (;;) {
      const chunk = await chunks.next().catch(() => null);
      if (chunk === null || chunk.done === true || stop.signal.aborted) return begun;
      begun = true;
      onWake();
    }
  } catch (error) {
    if (begun) throw error;
    return false;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    abort();
  }
}
