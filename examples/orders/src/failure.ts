/** What the API answers when it does not do what it was asked. */

export type FailureCode =
  | 'invalid_request'
  | 'not_logged_in'
  | 'not_found'
  | 'unknown_product'
  | 'out_of_stock'
  | 'already_paid'
  | 'key_in_use'
  | 'key_of_another_request'
  | 'database_unavailable'
  | 'outcome_unknown'
  | 'sessions_unavailable';

/** Thrown by handlers; the error handler makes the answer of it. The message is for the caller: no secrets, no SQL. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly status: number;
  readonly code: FailureCode;
  /** Sent as Retry-After: the same request may succeed then. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: FailureCode, message: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export const failureSchema = {
  type: 'object',
  required: ['error', 'message'],
  properties: { error: { type: 'string' }, message: { type: 'string' } },
} as const;
