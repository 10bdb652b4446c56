/** A single connection for the commands that run once (migrate, seed). */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { withRetry } from '../retry.ts';
import { Deadline } from '../deadline.ts';
import { mayRetry, outcomeOf } from './outcome.ts';

/** Waits up to `patienceMs` for a server that accepts: at the start of a cluster it may still be on its way. */
export async function withConnection<T>(
  options: { url: string; ca: string | null; patienceMs: number },
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await withRetry(() => connect(options), {
    deadline: new Deadline(options.patienceMs),
    mayRetry: (error) => mayRetry(outcomeOf(error, 'connect')),
    longestBackoffMs: 1_000,
  });
  try {
    return await work(client);
  } finally {
    await Promise.race([client.end(), delay(1_000)]);
  }
}

async function connect(options: { url: string; ca: string | null }): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: options.url,
    ...(options.ca === null ? {} : { ssl: { ca: options.ca } }),
    connectionTimeoutMillis: 2_000,
    query_timeout: 60_000,
    application_name: 'orders-migrate',
  });
  // Each query carries its own error; between two of them this event would end the process without a message.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
