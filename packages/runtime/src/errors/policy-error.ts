/** What policies reject with when they decide themselves; what the action rejected with goes through unchanged. */

export const POLICY_ERRORS = {
  E_DEADLINE: 'the deadline passed; whether the action took effect is not known',
  E_CIRCUIT_OPEN: 'too many calls failed lately: nothing was sent',
  E_BULKHEAD_FULL: 'too many calls are in flight: nothing was sent',
  E_RATE_LIMITED: 'too many calls lately: nothing was sent',
  E_OVERLOADED: 'answers became slow: calls of this priority are refused, nothing was sent',
} as const;

export type PolicyErrorCode = keyof typeof POLICY_ERRORS;

export class PolicyError extends Error {
  readonly code: PolicyErrorCode;
  /** Milliseconds after which another try may be let in, for a `Retry-After`; null: not known. */
  readonly retryAfterMs: number | null;

  constructor(code: PolicyErrorCode, who: string, retryAfterMs: number | null = null) {
    // A stack would show a policy or a timer, and costs more than all else of a refusal: refusing is for when there is too much to do.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(`${who}: ${POLICY_ERRORS[code]}`);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'PolicyError';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** The action was not begun: it can be tried again, whatever it does. */
  get notSent(): boolean {
    return this.code !== 'E_DEADLINE';
  }
}
