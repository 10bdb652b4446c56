/** A single connection for the commands that run once (migrate, seed). */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { createPool, exponentialBackoff, mayRetry, outcomeOf, retry } from '@nines/runtime';

const ATTEMPT_MS = 2_000;

/**
 * Waits up to `patienceMs` for a leader that accepts: at the start of a cluster it may still be on its way, and the agent is
 * asked where it is, not the gateway, which may start after us.
 */
export async function withConnection<T>(
  options: { url: string; ca: string | null; patienceMs: number },
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const pool = createPool({
    waitMs: ATTEMPT_MS,
    pg: {
      connectionString: options.url,
      ...(options.ca === null ? {} : { ssl: { ca: options.ca } }),
      max: 1,
      query_timeout: 60_000,
      application_name: 'orders-migrate',
    },
  });
  // Each query carries its own error; between two of them this event would end the process without a message.
  pool.on('error', () => undefined);
  try {
    const patiently = retry({
      attempts: 1_000,
      retryIf: (error) => mayRetry(outcomeOf(error, 'connect')),
      backoff: exponentialBackoff({ firstMs: 20, maxMs: 1_000 }),
    });
    const client = await patiently.execute(() => pool.connect(), { timeoutMs: options.patienceMs });
    client.on('error', () => undefined);
    try {
      return await work(client);
    } finally {
      // Not for reuse: what a broken migration left in its session goes with it.
      client.release(true);
    }
  } finally {
    await Promise.race([pool.end(), delay(1_000)]);
  }
}
