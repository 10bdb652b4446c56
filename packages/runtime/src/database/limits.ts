/** How long each step of a question to PostgreSQL may take, made from how long a request may. Pure. */
import { requireNumber } from '../errors/option.ts';

export interface Limits {
  /** Longest wait of one call for a connection, milliseconds. */
  connectMs: number;
  /** Longest time for a connection to be made, whoever waits for it, milliseconds. */
  handshakeMs: number;
  /** When we stop waiting for a statement, milliseconds. */
  queryMs: number;
  /** When the server ends it, milliseconds. First: one that it ends leaves the connection whole, one that we stop waiting for costs the connection. */
  statementMs: number;
  /** When the server ends a wait for a lock, milliseconds. */
  lockMs: number;
  /** When the server ends a transaction in which nothing is asked: one of an instance that is frozen or cut off loses its locks, milliseconds. */
  idleTransactionMs: number;
}

/**
 * Half the time for a query: one on a frozen connection leaves as much for one on a sound one.
 * @param requestMs of a request, from 10 on. @throws RangeError that names the option.
 */
export function limitsOf(requestMs: number, given: Partial<Limits> = {}): Limits {
  requireNumber('requestMs', requestMs, 10);
  const queryMs = given.queryMs ?? Math.floor(requestMs / 2);
  const limits = {
    connectMs: queryMs,
    handshakeMs: 2 * requestMs,
    queryMs,
    statementMs: Math.max(1, Math.floor(queryMs * 0.85)),
    lockMs: Math.max(1, Math.floor(queryMs * 0.75)),
    idleTransactionMs: requestMs,
    ...given,
  };
  for (const [name, value] of Object.entries(limits)) requireNumber(name, value, 1);
  return limits;
}
