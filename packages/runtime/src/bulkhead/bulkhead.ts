/** So many calls at once, so that one dependency that hangs does not hold everything that its callers have. */
import { AbortListener, type CallContext } from '../call/call.ts';
import { rejected } from '../call/settled.ts';
import type { Clock } from '../clock/clock.ts';
import { requireInteger } from '../errors/option.ts';
import { PolicyError } from '../errors/policy-error.ts';
import { type Next, Policy } from '../policy/policy.ts';

export interface BulkheadOptions {
  /** Calls at once, from 1 on. */
  concurrency: number;
  /** Calls that wait for a place, in their order, until they are given up. Default 0: refused at once. Long: late answers that nobody waits for. */
  queue?: number;
  /** In errors. Default 'bulkhead'. */
  name?: string;
  clock?: Clock;
}

export class BulkheadPolicy extends Policy {
  readonly #concurrency: number;
  readonly #queueLimit: number;
  readonly #name: string;
  /** A set keeps its order. */
  readonly #queue = new Set<Waiter>();
  #running = 0;

  constructor({ concurrency, queue = 0, name = 'bulkhead', clock }: BulkheadOptions) {
    super(clock);
    requireInteger('concurrency', concurrency, 1);
    requireInteger('queue', queue, 0);
    this.#concurrency = concurrency;
    this.#queueLimit = queue;
    this.#name = name;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** @throws PolicyError E_BULKHEAD_FULL. */
  override run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    if (this.#running >= this.#concurrency) return this.#place(call).then(() => this.#run(call, next));
    this.#running += 1;
    return this.#run(call, next);
  }

  #run<Result>(call: CallContext, next: Next<Result>): Promise<Result> {
    const place = new Place(() => this.#free());
    // What was given up may never end: its place is not lost with it.
    call.listen(place);
    return next(call).then(
      (value) => {
        call.unlisten(place);
        place.free();
        return value;
      },
      (error) => {
        call.unlisten(place);
        place.free();
        throw error;
      },
    );
  }

  #place(call: CallContext): Promise<void> {
    if (this.#queue.size >= this.#queueLimit) return rejected(new PolicyError('E_BULKHEAD_FULL', this.#name));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = new Waiter(call, resolve, (reason) => {
        this.#queue.delete(waiter);
        reject(reason);
      });
      this.#queue.add(waiter);
      call.listen(waiter);
    });
  }

  #free(): void {
    const [waiter] = this.#queue;
    if (waiter === undefined) {
      this.#running -= 1;
      return;
    }
    // The place goes from one to the other: nobody who comes now is before it.
    this.#queue.delete(waiter);
    waiter.enter();
  }
}

class Waiter extends AbortListener {
  readonly #call: CallContext;
  readonly #resolve: () => void;
  readonly aborted: (reason: Error) => void;

  constructor(call: CallContext, resolve: () => void, aborted: (reason: Error) => void) {
    super();
    this.#call = call;
    this.#resolve = resolve;
    this.aborted = aborted;
  }

  enter(): void {
    this.#call.unlisten(this);
    this.#resolve();
  }
}

class Place extends AbortListener {
  readonly #release: () => void;
  #isFree = false;

  constructor(release: () => void) {
    super();
    this.#release = release;
  }

  free(): void {
    if (this.#isFree) return;
    this.#isFree = true;
    this.#release();
  }

  override aborted(): void {
    this.free();
  }
}

/** @throws RangeError that names the option. */
export function bulkhead(options: BulkheadOptions): BulkheadPolicy {
  return new BulkheadPolicy(options);
}
