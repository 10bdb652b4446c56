/** The executor's own connection to its server: open between commands, as a fence must not wait for a handshake. */
import { localConnection } from '../connection.ts';
import type { Member } from '../member.ts';

const KEY = 'standby';
const TIMEOUT_MS = 1_000;

/** Rejects when the server is down, refuses, or does not answer within a second. */
export async function ask<Row extends object>(m: Member, text: string, signal: AbortSignal): Promise<Row[]> {
  signal.throwIfAborted();
  let isNew = false;
  const open = () => {
    isNew = true;
    return localConnection(m.context, 'postgres', TIMEOUT_MS);
  };
  const connection = m.io.keep(KEY, open);
  try {
    return await connection.query<Row>(text);
  } catch (error) {
    m.io.drop(KEY);
    // The server behind a kept one may have been another, which is gone.
    if (isNew) throw error;
    return ask(m, text, signal);
  }
}

/** Before the server goes, or when another one may have come. */
export function hangUp(m: Member): void {
  m.io.drop(KEY);
}
