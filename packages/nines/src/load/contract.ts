/**
 * What a client has to do so that no single death costs it a request: a deadline, an idempotency key for writes,
 * and at most one retry on another connection. Pure.
 */
import { isRead, type Operation, type OutcomeClass } from './record.ts';

export interface ClientContract {
  readDeadlineMs: number;
  writeDeadlineMs: number;
  /**
   * The first attempt ends, and the retry starts, at this share of the deadline. The same moment for a refused
   * connection as for a silent one: there is one retry only, and made at once it would meet the same dead gateway
   * (an address moves in some 500 ms). At 0.4 a read's retry sends its SYN at 800 ms and, by the kernel's
   * retransmission after one second, again at 1,800 ms, just inside the 2 s.
   */
  retryAtShare: number;
}

export const CONTRACT: ClientContract = { readDeadlineMs: 2000, writeDeadlineMs: 3000, retryAtShare: 0.4 };

export interface AttemptPlan {
  deadlineMs: number;
  /** Both relative to when the request was due; null: one attempt only, which has the whole deadline. */
  retryAtMs: number | null;
}

export function attemptPlan(contract: ClientContract, operation: Operation, keyed: boolean): AttemptPlan {
  const deadlineMs = isRead(operation) ? contract.readDeadlineMs : contract.writeDeadlineMs;
  const mayRetry = isRead(operation) || keyed;
  return { deadlineMs, retryAtMs: mayRetry ? deadlineMs * contract.retryAtShare : null };
}

/** How one attempt ended. */
export type AttemptEnd =
  | { kind: 'answer'; status: number }
  /** `sent`: bytes of the request may have reached a server. */
  | { kind: 'failure'; cause: FailureCause; sent: boolean };

/** `unusable` is an answer that is no HTTP, or a 2xx whose body does not say what it must. */
export type FailureCause = 'refused' | 'unreachable' | 'reset' | 'timeout' | 'unusable' | 'capped';

const RETRIED_STATUS = new Set([502, 503, 504]);

export function isRetried(end: AttemptEnd): boolean {
  if (end.kind === 'answer') return RETRIED_STATUS.has(end.status);
  return end.cause !== 'unusable' && end.cause !== 'capped';
}

export function causeOf(end: AttemptEnd): string {
  return end.kind === 'answer' ? String(end.status) : end.cause;
}

/** What is known after one attempt. */
export function classOf(end: AttemptEnd): OutcomeClass {
  if (end.kind === 'failure') return end.sent ? 'info' : 'fail';
  if (end.status >= 200 && end.status < 300) return 'ok';
  // "This key is still at work": what the gateway replayed meets its own first sending, which may yet take effect.
  if (end.status === 409) return 'info';
  return end.status >= 400 && end.status < 500 ? 'fail' : 'info';
}

/** What is known after all attempts: one answered well decides; else one whose effect is unknown makes it unknown. */
export function classOfAll(ends: AttemptEnd[]): OutcomeClass {
  const classes = ends.map(classOf);
  if (classes.includes('ok')) return 'ok';
  return classes.includes('info') ? 'info' : 'fail';
}
