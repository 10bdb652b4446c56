/** Why a keyed request got no answer of its own. */
export const KEY_ERRORS = {
  E_KEY_IN_USE: 'a request with this key is still at work',
  E_KEY_REUSED: 'this key was used for a different request',
} as const;

export type KeyErrorCode = keyof typeof KEY_ERRORS;

/** Nothing was changed. `cause` is what the database said, if it did. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
  readonly code: KeyErrorCode;

  constructor(code: KeyErrorCode, cause?: unknown) {
    super(KEY_ERRORS[code], cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** Milliseconds after which the same request may have its answer; null: never. */
  get retryAfterMs(): number | null {
    return this.code === 'E_KEY_IN_USE' ? 1_000 : null;
  }
}
