/** The executor's own connection to its server: open between commands, as none of them should wait for a handshake. */
import { localConnection, type LocalConnection } from '../connection.ts';
import type { Member } from '../member.ts';

const KEY = 'standby';
const TIMEOUT_MS = 1_000;

export type Queries = Pick<LocalConnection, 'query'>;

/** Rejects when the server is down, refuses, or does not answer within a second. What it writes waits for no standby. */
export async function ask<Row extends object>(m: Member, text: string, signal: AbortSignal, values: unknown[] = []): Promise<Row[]> {
  signal.throwIfAborted();
  let isNew = false;
  const open = () => {
    isNew = true;
    return localConnection(m.context, 'postgres', TIMEOUT_MS, { synchronousCommit: 'local' });
  };
  const connection = m.io.keep(KEY, open);
  const close = () => m.io.drop(KEY);
  signal.addEventListener('abort', close, { once: true });
  try {
    return await connection.query<Row>(text, values);
  } catch (error) {
    m.io.drop(KEY);
    // The server behind a kept one may have been another, which is gone.
    if (isNew) throw error;
    return await ask(m, text, signal, values);
  } finally {
    signal.removeEventListener('abort', close);
  }
}

/** The same, for whoever asks several questions. */
export function keptConnection(m: Member, signal: AbortSignal): Queries {
  return { query: (text, values) => ask(m, text, signal, values) };
}

/** Before the server goes, or when another one may have come. */
export function hangUp(m: Member): void {
  m.io.drop(KEY);
}
