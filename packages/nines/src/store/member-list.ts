import { type Member, memberOf } from './gateway.ts';

/** After its first failure a member is asked last for this long; each further failure doubles it. */
const FIRST_SKIP_MS = 500;
const LONGEST_SKIP_MS = 10_000;

interface Health {
  member: Member;
  failures: number;
  skippedUntilMs: number;
}

/** Which member to ask first: the caller's order, but one that has just failed comes last. None is ever left out. */
export class MemberList {
  readonly #health: Health[];

  constructor(endpoints: readonly string[]) {
    this.#health = [...new Set(endpoints)].map((endpoint) => ({ member: memberOf(endpoint), failures: 0, skippedUntilMs: 0 }));
  }

  get members(): Member[] {
    return this.#health.map(({ member }) => member);
  }

  /** All members, best first; among the skipped ones the soonest due first. */
  order(nowMs: number): Member[] {
    const due = (health: Health) => (health.skippedUntilMs > nowMs ? health.skippedUntilMs : 0);
    return this.#health.toSorted((left, right) => due(left) - due(right)).map(({ member }) => member);
  }

  failed(member: Member, nowMs: number): void {
    const health = this.#find(member);
    // Calls that fail together are one failure: a burst must not skip a member for the longest time.
    if (health === undefined || health.skippedUntilMs > nowMs) return;
    health.skippedUntilMs = nowMs + Math.min(FIRST_SKIP_MS * 2 ** health.failures, LONGEST_SKIP_MS);
    health.failures += 1;
  }

  answered(member: Member): void {
    const health = this.#find(member);
    if (health === undefined) return;
    health.failures = 0;
    health.skippedUntilMs = 0;
  }

  #find(member: Member): Health | undefined {
    return this.#health.find((health) => health.member === member);
  }
}
