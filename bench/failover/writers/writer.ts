/** One client: a row at a time, each with an id of its own, a deadline, and a new connection after every error. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { DatabaseAccess } from '../system.ts';
import { monotonicMs, TABLE } from './protocol.ts';

/** For connecting, and again for the write itself. */
export const DEADLINE_MS = 1_000;
/** For connecting, however long the queries may take: whoever meets a dead server tries again. */
const CONNECT_LIMIT_MS = 5_000;
/** At most one write in so long: eight writers leave a small machine room for what is measured. */
export const PACE_MS = 10;
/** Between two attempts that fail. */
export const RETRY_MS = 20;
export const IDS_PER_WRITER = 1e9;

export interface WriterEvents {
  /** Before it is sent. */
  attempted(): void;
  acked(id: number, atMs: number): void;
  failed(error: unknown): void;
}

export interface WriterPlace {
  number: number;
  paceMs: number;
}

export async function write(
  { number, paceMs }: WriterPlace,
  access: DatabaseAccess,
  events: WriterEvents,
  stopped: AbortSignal,
): Promise<void> {
  let client: pg.Client | null = null;
  for (let count = 0; !stopped.aborted; count++) {
    const id = number * IDS_PER_WRITER + count;
    const nextAtMs = monotonicMs() + paceMs;
    events.attempted();
    try {
      client ??= await connect(access);
      await insert(client, id);
      events.acked(id, monotonicMs());
      await delay(Math.max(0, nextAtMs - monotonicMs()));
    } catch (error) {
      events.failed(error);
      if (client !== null) abandon(client);
      client = null;
      await delay(RETRY_MS);
    }
  }
  if (client !== null) abandon(client);
}

export async function connect({ caPem, ...access }: DatabaseAccess, queryTimeoutMs = DEADLINE_MS): Promise<pg.Client> {
  const client = new pg.Client({
    ...access,
    // The gateway's address is not among the names of a certificate.
    ...(caPem === null ? {} : { ssl: { ca: caPem, checkServerIdentity: () => undefined } }),
    connectionTimeoutMillis: Math.max(DEADLINE_MS, Math.min(queryTimeoutMs, CONNECT_LIMIT_MS)),
    query_timeout: queryTimeoutMs,
  });
  // An idle connection that breaks is seen by the next write.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    abandon(client);
    throw error;
  }
}

/** A wait for standbys that was cut short reports success with a warning: nobody promised anything. */
async function insert(client: pg.Client, id: number): Promise<void> {
  let warning: string | undefined;
  const listener = (notice: { message?: string | undefined }): void => {
    warning = notice.message ?? 'a warning';
  };
  client.on('notice', listener);
  try {
    await client.query(`INSERT INTO ${TABLE} (id) VALUES ($1)`, [id]);
  } finally {
    client.off('notice', listener);
  }
  if (warning !== undefined) throw new Error(warning);
}

/** At once: a dead server answers no farewell. */
export function abandon(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
