import { outcomeOf, type Outcome, type Phase, sqlStateOf } from './outcome.ts';

/** What was thrown, and what it means. */
export const DATABASE_ERRORS = {
  E_DATABASE_AWAY: 'the database does not answer in time; nothing was changed',
  E_OUTCOME_UNKNOWN: 'the database did not confirm; whether it was changed is not known',
  E_STATEMENT_REFUSED: 'the database refuses this statement, and would again; nothing was changed',
} as const;

export type DatabaseErrorCode = keyof typeof DATABASE_ERRORS;

/** A failure with what it means. Its message holds no SQL and no values; `cause` is what the driver said. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly outcome: Outcome;
  readonly phase: Phase;

  constructor(error: unknown, phase: Phase) {
    super(error instanceof Error ? error.message : String(error), { cause: error });
    this.outcome = outcomeOf(error, phase);
    this.phase = phase;
  }

  get code(): DatabaseErrorCode {
    if (this.outcome === 'unknown') return 'E_OUTCOME_UNKNOWN';
    const state = sqlStateOf(this.cause);
    // Data that do not fit, a constraint, a mistake in the statement.
    return this.phase !== 'connect' && state !== null && /^(22|23|42)/.test(state) ? 'E_STATEMENT_REFUSED' : 'E_DATABASE_AWAY';
  }

  /** Milliseconds after which another try may be worth it; null for what would be refused again. */
  get retryAfterMs(): number | null {
    return this.code === 'E_STATEMENT_REFUSED' ? null : 1_000;
  }
}
