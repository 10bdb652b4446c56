import { type Member, RefusedError } from './gateway.ts';
import type { MemberList } from './member-list.ts';

/** How one try at one member is made; `reached` is called when the request may have arrived there. */
export type Attempt<T> = (member: Member, signal: AbortSignal, reached: () => void) => Promise<T>;

export interface HedgedAnswer<T> {
  value: T;
  member: Member;
  /** Another copy of the request may have arrived: a write may be done, or still come, twice. */
  contended: boolean;
}

/** No attempt was answered in time, or one was refused. */
export class HedgeError extends Error {
  override readonly name = 'HedgeError';
  /** A copy that got no definite answer may have arrived. */
  readonly reached: boolean;
  readonly refusal: RefusedError | null;

  constructor(reasons: string[], reached: boolean, refusal: RefusedError | null) {
    super([...new Set(reasons)].join('; '), refusal === null ? undefined : { cause: refusal });
    this.reached = reached;
    this.refusal = refusal;
  }
}

export interface HedgeOptions {
  members: MemberList;
  /** The next member is asked too when there is no answer after this time; then the one after it, after twice that, and so on. */
  hedgeAfterMs: number;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** So often a copy is sent at the least, until the deadline. */
const LONGEST_INTERVAL_MS = 400;

/**
 * Asks the best member, then the others in turn; the first answer or refusal counts. It goes on past the last member,
 * because a request that reaches a follower before it knows that its leader is gone is lost without an answer: only a copy
 * that is sent after the election comes through. When nobody listens anywhere it ends at once.
 */
export function hedged<T>(options: HedgeOptions, attempt: Attempt<T>): Promise<HedgedAnswer<T>> {
  return new Promise((resolve, reject) => new HedgedCall(options, attempt, resolve, reject).start());
}

/** One copy of the request. */
interface Copy {
  member: Member;
  reached: boolean;
  /** Another copy was sent after it, for want of an answer. */
  overdue: boolean;
}

class HedgedCall<T> {
  readonly #options: HedgeOptions;
  readonly #attempt: Attempt<T>;
  readonly #resolve: (answer: HedgedAnswer<T>) => void;
  readonly #reject: (error: HedgeError) => void;
  readonly #order: Member[];
  readonly #controller = new AbortController();
  readonly #running = new Set<Copy>();
  readonly #reasons: string[] = [];
  #sent = 0;
  /** Copies in a row that did not even arrive. */
  #unreachedInARow = 0;
  /** A copy that arrived and is over, without a definite answer. */
  #reachedAndOver = false;
  #intervalMs: number;
  #next: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: HedgeOptions, attempt: Attempt<T>, resolve: (answer: HedgedAnswer<T>) => void, reject: (error: HedgeError) => void) {
    this.#options = options;
    this.#attempt = attempt;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#order = options.members.order(performance.now());
    this.#intervalMs = options.hedgeAfterMs;
  }

  start(): void {
    const { timeoutMs, signal } = this.#options;
    if (signal?.aborted === true) return this.#stopped();
    signal?.addEventListener('abort', this.#stopped, { once: true });
    this.#deadline = setTimeout(() => {
      for (const copy of this.#running) copy.overdue = true;
      this.#fail(`no answer within ${Math.round(timeoutMs)} ms`);
    }, timeoutMs);
    this.#send();
  }

  #send(): void {
    const member = this.#order[this.#sent % this.#order.length];
    if (member === undefined) return this.#fail('there are no members');
    this.#sent += 1;
    const copy: Copy = { member, reached: false, overdue: false };
    this.#running.add(copy);
    clearTimeout(this.#next);
    this.#next = setTimeout(() => this.#hedge(), this.#intervalMs);
    const reached = () => {
      copy.reached = true;
    };
    this.#attempt(member, this.#controller.signal, reached).then(
      (value) => this.#won(copy, value),
      (error: unknown) => this.#lost(copy, error),
    );
  }

  #hedge(): void {
    for (const copy of this.#running) copy.overdue = true;
    this.#intervalMs = Math.min(this.#intervalMs * 2, LONGEST_INTERVAL_MS);
    this.#send();
  }

  #won(copy: Copy, value: T): void {
    if (this.#over) return;
    this.#forget(copy);
    this.#finish();
    this.#resolve({ value, member: copy.member, contended: this.#othersReached });
  }

  #lost(copy: Copy, error: unknown): void {
    if (this.#over) return;
    this.#reasons.push(error instanceof Error ? error.message : String(error));
    if (error instanceof RefusedError) {
      this.#forget(copy);
      return this.#fail(null, error);
    }
    this.#running.delete(copy);
    this.#options.members.failed(copy.member, performance.now());
    if (copy.reached) this.#reachedAndOver = true;
    this.#unreachedInARow = copy.reached ? 0 : this.#unreachedInARow + 1;
    if (this.#running.size === 0 && this.#unreachedInARow >= this.#order.length) return this.#fail(null);
    // Each member once without waiting; then at the pace of the timer, or a cluster without a leader is flooded.
    if (this.#sent < this.#order.length) this.#send();
  }

  /** A copy with a definite answer: its member is sound, also where an earlier copy was lost. */
  #forget(copy: Copy): void {
    this.#running.delete(copy);
    this.#options.members.answered(copy.member);
    for (const other of this.#running) if (other.member === copy.member) other.overdue = false;
  }

  get #othersReached(): boolean {
    return this.#reachedAndOver || [...this.#running].some(({ reached }) => reached);
  }

  get #over(): boolean {
    return this.#controller.signal.aborted;
  }

  readonly #stopped = (): void => this.#fail('the caller stopped it');

  #fail(reason: string | null, refusal: RefusedError | null = null): void {
    if (reason !== null) this.#reasons.push(reason);
    this.#finish();
    this.#reject(new HedgeError(this.#reasons, this.#othersReached, refusal));
  }

  /** Silent members come last from now on: a frozen one would cost every call the time of a hedge. */
  #finish(): void {
    clearTimeout(this.#next);
    clearTimeout(this.#deadline);
    this.#options.signal?.removeEventListener('abort', this.#stopped);
    for (const { member, overdue } of this.#running) if (overdue) this.#options.members.failed(member, performance.now());
    this.#controller.abort();
  }
}
