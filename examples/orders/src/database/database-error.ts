import { outcomeOf, type Outcome, type Phase } from './outcome.ts';

/** A failure with what it means. Its message holds no SQL and no values. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly outcome: Outcome;
  readonly phase: Phase;

  constructor(error: unknown, phase: Phase) {
    super(error instanceof Error ? error.message : String(error), { cause: error });
    this.outcome = outcomeOf(error, phase);
    this.phase = phase;
  }
}
