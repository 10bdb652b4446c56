/** What a failed database call means: what may have happened there, and so what may be done about it. */

/** How far the work had come when it failed. */
export type Phase = 'connect' | 'work' | 'commit';

/**
 * - nothing-sent: no statement of ours reached a server; anything may be retried.
 * - rolled-back: the server says that nothing remains; the whole transaction may be retried.
 * - lost: gone in flight before COMMIT was sent; the server rolls back when it sees the connection end. May be retried.
 * - unknown: COMMIT was sent and not confirmed. Only the idempotency key can tell; never guess.
 * - refused: it would fail again in the same way (a bug, a wrong password, a full disk).
 */
export type Outcome = 'nothing-sent' | 'rolled-back' | 'lost' | 'unknown' | 'refused';

/** 55P03 lock not available, 57014 cancelled (statement_timeout), 25P03 idle in transaction, 25006 read-only: a standby. */
const ROLLED_BACK = new Set(['40001', '40P01', '25006', '55P03', '57014', '25P03', '57P01', '57P02']);

/** A new server, or one that is starting, stopping or full, may accept in a moment. */
const CONNECT_LATER = new Set(['57P03', '53300', '08000', '08001', '08003', '08004', '08006', '57P01', '57P02']);

export function outcomeOf(error: unknown, phase: Phase): Outcome {
  const state = sqlStateOf(error);
  if (phase === 'connect') return state === null || CONNECT_LATER.has(state) ? 'nothing-sent' : 'refused';
  if (phase === 'commit') return commitOutcome(state);
  if (state === null || state.startsWith('08')) return 'lost';
  return ROLLED_BACK.has(state) ? 'rolled-back' : 'refused';
}

/** At COMMIT only an error that PostgreSQL raises before the commit record is a certain "no". */
function commitOutcome(state: string | null): Outcome {
  if (state === '40001' || state === '40P01') return 'rolled-back';
  if (state !== null && (state.startsWith('23') || state.startsWith('22'))) return 'refused';
  return 'unknown';
}

export function mayRetry(outcome: Outcome): boolean {
  return outcome === 'nothing-sent' || outcome === 'rolled-back' || outcome === 'lost';
}

/** True when the connection may be used again: the server answered, and not in order to end the session. */
export function connectionSurvives(error: unknown): boolean {
  const state = sqlStateOf(error);
  // 25006: the server has become a standby, so every further write on it would fail too.
  return state !== null && !/^(08|57P0|25P03|25006|XX)/.test(state);
}

/** The five characters of SQLSTATE, or null for an error of the network or the driver. */
export function sqlStateOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && (error as { severity?: unknown }).severity !== undefined ? code : null;
}
