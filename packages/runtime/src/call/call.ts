/** What one call carries through policies and down to its action: until when, whether it was given up, and what it may cost. */
import type { Clock } from '../clock/clock.ts';

/** Under overload the later ones are refused first. */
export const PRIORITIES = ['critical', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** What an action sees. */
export interface Call {
  /** Of the policies' clock (`performance.now()` unless another one was given); Infinity: none. */
  readonly deadlineMs: number;
  /** Aborted when the call is given up: its deadline passed, its caller gave up, or another attempt won. Made when it is asked for. */
  readonly signal: AbortSignal;
  /** 1, 2, ... of the innermost `retry` or `hedge`. */
  readonly attempt: number;
  /** Doing it twice is doing it once. */
  readonly idempotent: boolean;
  readonly priority: Priority;
  /** It was given up: nothing new need begin. Cheaper than a signal. */
  readonly isAborted: boolean;
  /** Milliseconds left; 0 or less: none. */
  remainingMs(): number;
}

/** The limit, or what is left of the call if that is less; whole, and at least 1, as 0 means "no limit" to most drivers. */
export function withinMs(call: Pick<Call, 'remainingMs'>, limitMs: number): number {
  return Math.max(1, Math.floor(Math.min(limitMs, call.remainingMs())));
}

export interface CallOptions {
  /** Milliseconds from now for all of it; a timer of its own per call, unlike `timeout(ms)`. Default: none. */
  timeoutMs?: number;
  /** The caller gives up. */
  signal?: AbortSignal;
  /** Default false: `retry` then repeats only what was not sent, and `hedge` does nothing. */
  idempotent?: boolean;
  /** Default 'normal'. */
  priority?: Priority;
}

/** Hears once that a call was given up. In at most one list at a time. */
export abstract class AbortListener {
  nextListener: AbortListener | null = null;
  previousListener: AbortListener | null = null;
  listensTo: CallContext | null = null;

  abstract aborted(reason: Error): void;
}

interface Inherited {
  deadlineMs: number;
  attempt: number;
  idempotent: boolean;
  priority: Priority;
}

/** A `Call` as policies see it. A child is given up with its parent; a parent knows of children only while somebody listens to them. */
export class CallContext extends AbortListener implements Call {
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly attempt: number;
  readonly idempotent: boolean;
  readonly priority: Priority;
  readonly #parent: CallContext | null;
  #controller: AbortController | null = null;
  #reason: Error | null = null;
  #listeners: AbortListener | null = null;

  constructor(clock: Clock, parent: CallContext | null, { deadlineMs, attempt, idempotent, priority }: Inherited) {
    super();
    this.clock = clock;
    this.#parent = parent;
    this.deadlineMs = deadlineMs;
    this.attempt = attempt;
    this.idempotent = idempotent;
    this.priority = priority;
  }

  /** Ends no later than this one. */
  child(deadlineMs: number, attempt = this.attempt): CallContext {
    const { clock, idempotent, priority } = this;
    return new CallContext(clock, this, { deadlineMs: Math.min(deadlineMs, this.deadlineMs), attempt, idempotent, priority });
  }

  remainingMs(): number {
    return this.deadlineMs - this.clock.nowMs();
  }

  /** Why it was given up; null while it was not. */
  get reason(): Error | null {
    return this.#reason ?? this.#parent?.reason ?? null;
  }

  get isAborted(): boolean {
    return this.reason !== null;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.isAborted) this.#controller.abort(this.reason);
      else this.#hearParent();
    }
    return this.#controller.signal;
  }

  /** `listener.aborted` is called once, when this or one above is given up: now, if it was already. */
  listen(listener: AbortListener): void {
    const { reason } = this;
    if (reason !== null) return listener.aborted(reason);
    listener.listensTo = this;
    listener.previousListener = null;
    listener.nextListener = this.#listeners;
    if (this.#listeners !== null) this.#listeners.previousListener = listener;
    this.#listeners = listener;
    this.#hearParent();
  }

  unlisten(listener: AbortListener): void {
    if (listener.listensTo !== this) return;
    const { nextListener, previousListener } = listener;
    if (previousListener === null) this.#listeners = nextListener;
    else previousListener.nextListener = nextListener;
    if (nextListener !== null) nextListener.previousListener = previousListener;
    listener.nextListener = null;
    listener.previousListener = null;
    listener.listensTo = null;
    if (this.#listeners === null && this.#controller === null) this.release();
  }

  abort(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (let listener = this.#listeners; listener !== null; listener = this.#listeners) {
      this.unlisten(listener);
      listener.aborted(reason);
    }
    this.release();
  }

  /** It is over: it hears of its parent no more. */
  release(): void {
    this.#parent?.unlisten(this);
  }

  /** The parent was given up. */
  override aborted(reason: Error): void {
    this.abort(reason);
  }

  #hearParent(): void {
    if (this.#parent !== null && this.listensTo === null) this.#parent.listen(this);
  }
}
