/** Defects that were measured in opossum 10.0.0 and cockatiel 4.0.0, each as something that happens or does not, in every library. */
import {
  bulkhead as cockatielBulkhead,
  circuitBreaker as cockatielBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ConstantBackoff,
  handleAll,
  retry as cockatielRetry,
  SamplingBreaker,
  timeout as cockatielTimeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import {
  bulkhead,
  circuitBreaker,
  type CircuitBreakerPolicy,
  compose,
  constantBackoff,
  retry,
  timeout,
} from '../../packages/runtime/src/index.ts';
import NinesOpossum from '../../packages/runtime/src/opossum/opossum.ts';
import { type BreakerClass, Opossum } from './opossum.ts';

/** `nines/opossum`: the class that takes opossum's place. */
export const LIBRARIES = ['opossum', 'cockatiel', 'nines/opossum', 'nines'] as const;
export type Library = (typeof LIBRARIES)[number];

/** Passes as the libraries see it. */
export type PassTime = (ms: number) => Promise<void>;

export interface Defect {
  what: string;
  /** Whether it happens; left out where a library has no such thing. */
  happens: Partial<Record<Library, (pass: PassTime) => Promise<boolean>>>;
}

const never = (): Promise<never> => new Promise(() => undefined);
const fails = (): Promise<never> => Promise.reject(new Error('no'));
const OPEN_MS = 100;

/** The same code for opossum and for what takes its place. */
const opossums = (happens: (Breaker: BreakerClass, pass: PassTime) => Promise<boolean>): Defect['happens'] => ({
  opossum: (pass) => happens(Opossum, pass),
  'nines/opossum': (pass) => happens(NinesOpossum, pass),
});

export const DEFECTS: Defect[] = [
  {
    what: 'the time-out of one call aborts the others',
    happens: {
      ...opossums(async (Breaker, pass) => {
        const abortController = new AbortController();
        const breaker = new Breaker((_name: string, signal: AbortSignal) => hangs(signal), { timeout: 100, abortController });
        return otherIsAborted((given) => breaker.fire('call', given ?? abortController.signal), pass);
      }),
      cockatiel: (pass) => {
        const policy = cockatielTimeout(100, TimeoutStrategy.Aggressive);
        return otherIsAborted(() => policy.execute(({ signal }) => hangs(signal)), pass);
      },
      nines: (pass) => {
        const policy = timeout(100);
        return otherIsAborted(() => policy.execute(({ signal }) => hangs(signal)), pass);
      },
    },
  },
  {
    what: 'a full bulkhead opens the circuit',
    happens: {
      ...opossums(async (Breaker) => {
        const breaker = new Breaker(never, { capacity: 1, timeout: false });
        await many(20, () => breaker.fire());
        return breaker.opened;
      }),
      cockatiel: async () => {
        const breaker = cockatielBreaker(handleAll, { halfOpenAfter: OPEN_MS, breaker: new ConsecutiveBreaker(5) });
        const policy = wrap(breaker, cockatielBulkhead(1, 0));
        await many(20, () => policy.execute(never));
        return breaker.state === CircuitState.Open;
      },
      nines: async () => {
        const breaker = circuitBreaker({ consecutiveFailures: 5, openMs: OPEN_MS });
        const policy = compose(breaker, bulkhead({ concurrency: 1 }));
        await many(20, () => policy.execute(never));
        return breaker.state === 'open';
      },
    },
  },
  {
    what: 'a success from before the opening closes a half-open circuit',
    happens: lateOutcome('success'),
  },
  {
    what: 'a failure from before the opening opens a half-open circuit again',
    happens: lateOutcome('failure'),
  },
  {
    what: 'a restored circuit forgets how long it has still to be open',
    happens: {
      ...opossums(async (Breaker, pass) => {
        const first = new Breaker(fails, { resetTimeout: 200, volumeThreshold: 1 });
        await pass(300);
        await quiet(first.fire());
        const second = new Breaker(fails, { resetTimeout: 200, state: first.toJSON().state });
        const isForgotten = !second.opened;
        first.shutdown();
        second.shutdown();
        return isForgotten;
      }),
      cockatiel: async (pass) => {
        const options = () => ({ halfOpenAfter: 200, breaker: new ConsecutiveBreaker(1) });
        const first = cockatielBreaker(handleAll, options());
        await pass(300);
        await quiet(first.execute(fails));
        const second = cockatielBreaker(handleAll, { ...options(), initialState: first.toJSON() });
        let isCalled = false;
        await quiet(second.execute(() => (isCalled = true)));
        return isCalled;
      },
    },
  },
  {
    what: 'by default the first failure opens the circuit',
    happens: {
      ...opossums(async (Breaker) => {
        const breaker = new Breaker(fails);
        await quiet(breaker.fire());
        const isOpen = breaker.opened;
        breaker.shutdown();
        return isOpen;
      }),
      cockatiel: async () => {
        const sampling = new SamplingBreaker({ threshold: 0.5, duration: 10_000 });
        const breaker = cockatielBreaker(handleAll, { halfOpenAfter: OPEN_MS, breaker: sampling });
        await quiet(breaker.execute(fails));
        return breaker.state === CircuitState.Open;
      },
      nines: async () => {
        const breaker = circuitBreaker();
        await quiet(breaker.execute(fails));
        return breaker.state === 'open';
      },
    },
  },
  {
    what: 'a half-open circuit cannot be probed by two calls at once',
    happens: {
      ...opossums(async (Breaker, pass) => {
        const breaker = new Breaker((isBad: boolean) => (isBad ? fails() : never()), {
          ...{ resetTimeout: OPEN_MS, volumeThreshold: 1, timeout: false, halfOpenCalls: 2 },
        });
        await quiet(breaker.fire(true));
        await pass(OPEN_MS + 20);
        return isSecondRefused(() => breaker.fire(false), pass);
      }),
      cockatiel: async (pass) => {
        const breaker = cockatielBreaker(handleAll, {
          ...{ halfOpenAfter: OPEN_MS, breaker: new ConsecutiveBreaker(1), halfOpenSampling: { calls: 2, threshold: 0.5 } },
        });
        await quiet(breaker.execute(fails));
        await pass(OPEN_MS + 20);
        return isSecondRefused(() => breaker.execute(never), pass);
      },
      nines: async (pass) => {
        const breaker = circuitBreaker({ openMs: OPEN_MS, consecutiveFailures: 1, halfOpenCalls: 2 });
        await quiet(breaker.execute(fails));
        await pass(OPEN_MS + 20);
        return isSecondRefused(() => breaker.execute(never), pass);
      },
    },
  },
  {
    what: 'callers queue up behind a probe that hangs',
    happens: {
      ...opossums(async (Breaker, pass) => {
        const breaker = new Breaker((isBad: boolean) => (isBad ? fails() : never()), {
          ...{ resetTimeout: OPEN_MS, volumeThreshold: 1, timeout: false as const },
        });
        await quiet(breaker.fire(true));
        await pass(OPEN_MS + 20);
        return areLeftWaiting(() => breaker.fire(false), pass);
      }),
      cockatiel: async (pass) => {
        const breaker = cockatielBreaker(handleAll, { halfOpenAfter: OPEN_MS, breaker: new ConsecutiveBreaker(1) });
        await quiet(breaker.execute(fails));
        await pass(OPEN_MS + 20);
        return areLeftWaiting(() => breaker.execute(never), pass);
      },
      nines: async (pass) => {
        const breaker = circuitBreaker({ openMs: 1_000, consecutiveFailures: 1 });
        await quiet(breaker.execute(fails));
        await pass(1_020);
        return areLeftWaiting(() => breaker.execute(never), pass);
      },
    },
  },
  {
    what: 'a retry that was given up waits out its pause and calls again',
    happens: {
      cockatiel: (pass) => {
        const policy = cockatielRetry(handleAll, { maxAttempts: 3, backoff: new ConstantBackoff(200) });
        return callsAgain((action, signal) => policy.execute(action, signal), pass);
      },
      nines: (pass) => {
        const policy = retry({ attempts: 3, backoff: constantBackoff(200), retryIf: () => true });
        return callsAgain((action, signal) => policy.execute(action, { signal }), pass);
      },
    },
  },
  {
    what: 'each failure sorts all that the window holds',
    happens: {
      ...opossums(async (Breaker) => {
        const breaker = new Breaker((isBad: boolean) => (isBad ? fails() : 1), { errorThresholdPercentage: 99 });
        for (let at = 0; at < 500; at++) await breaker.fire(false);
        const sorts = await countSorts(500, () => quiet(breaker.fire(true)));
        breaker.shutdown();
        return sorts > 0;
      }),
      cockatiel: async () => {
        const sampling = new SamplingBreaker({ threshold: 0.99, duration: 10_000 });
        const breaker = cockatielBreaker(handleAll, { halfOpenAfter: OPEN_MS, breaker: sampling });
        for (let at = 0; at < 500; at++) await breaker.execute(() => 1);
        return (await countSorts(500, () => quiet(breaker.execute(fails)))) > 0;
      },
      nines: async () => {
        const breaker = circuitBreaker({ failureRate: 0.99 });
        for (let at = 0; at < 500; at++) await breaker.execute(() => 1);
        return (await countSorts(500, () => quiet(breaker.execute(fails)))) > 0;
      },
    },
  },
];

function quiet(call: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(call).catch((error: unknown) => error);
}

/** Those that are refused are waited for. */
async function many(times: number, call: () => PromiseLike<unknown>): Promise<void> {
  for (let at = 0; at < times; at++) void quiet(call());
  for (let at = 0; at < 50; at++) await Promise.resolve();
}

/** Never answers, and ends when it is told to. */
function hangs(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
}

/** One call times out after 100 ms; another one began 50 ms later. */
async function otherIsAborted(call: (given?: AbortSignal) => PromiseLike<unknown>, pass: PassTime): Promise<boolean> {
  const first = quiet(call());
  await pass(50);
  let hasEnded = false;
  void quiet(call()).then(() => (hasEnded = true));
  await pass(75);
  const isAborted = hasEnded;
  await pass(100);
  await first;
  return isAborted;
}

/**
 * Slow calls begin; quick failures open the circuit; it becomes half-open, with a probe under way; then the slow ones end. Does that move
 * it?
 */
function lateOutcome(how: 'success' | 'failure'): Defect['happens'] {
  const scene = async (
    call: (action: () => Promise<unknown>) => PromiseLike<unknown>,
    isHalfOpen: () => boolean,
    pass: PassTime,
  ): Promise<boolean> => {
    const slow = Promise.withResolvers<unknown>();
    const early = quiet(call(() => slow.promise));
    for (let at = 0; at < 5; at++) await quiet(call(fails));
    await pass(OPEN_MS + 20);
    void quiet(call(never));
    await pass(1);
    if (!isHalfOpen()) throw new Error('the circuit was to be half-open');
    if (how === 'success') slow.resolve(1);
    else slow.reject(new Error('late'));
    await early;
    await pass(1);
    return !isHalfOpen();
  };
  return {
    ...opossums(async (Breaker, pass) => {
      const breaker = new Breaker((action: () => Promise<unknown>) => action(), {
        ...{ resetTimeout: OPEN_MS, volumeThreshold: 5, timeout: false as const },
      });
      const isMoved = await scene(
        (action) => breaker.fire(action),
        () => breaker.halfOpen,
        pass,
      );
      breaker.shutdown();
      return isMoved;
    }),
    cockatiel: (pass) => {
      const breaker = cockatielBreaker(handleAll, { halfOpenAfter: OPEN_MS, breaker: new ConsecutiveBreaker(5) });
      return scene(
        (action) => breaker.execute(action),
        () => breaker.state === CircuitState.HalfOpen,
        pass,
      );
    },
    nines: (pass) => {
      const breaker: CircuitBreakerPolicy = circuitBreaker({ openMs: OPEN_MS, consecutiveFailures: 5 });
      return scene(
        (action) => breaker.execute(action),
        () => breaker.state === 'half-open',
        pass,
      );
    },
  };
}

/** The circuit is half-open: does a second probe end, while the first one is under way? */
async function isSecondRefused(probe: () => PromiseLike<unknown>, pass: PassTime): Promise<boolean> {
  void quiet(probe());
  let isRefused = false;
  void quiet(probe()).then(() => (isRefused = true));
  await pass(10);
  return isRefused;
}

async function areLeftWaiting(call: () => PromiseLike<unknown>, pass: PassTime): Promise<boolean> {
  void quiet(call());
  let ended = 0;
  for (let at = 0; at < 100; at++) void quiet(call()).then(() => (ended += 1));
  await pass(10);
  return ended < 100;
}

async function callsAgain(
  execute: (action: () => Promise<never>, signal: AbortSignal) => PromiseLike<unknown>,
  pass: PassTime,
): Promise<boolean> {
  const caller = new AbortController();
  let calls = 0;
  void quiet(
    execute(() => {
      calls += 1;
      return fails();
    }, caller.signal),
  );
  await pass(50);
  caller.abort();
  await pass(300);
  return calls > 1;
}

/** Sorts of arrays of at least so many elements while it works. */
async function countSorts(least: number, work: () => Promise<unknown>): Promise<number> {
  const { prototype } = Array;
  const { sort, toSorted } = prototype;
  let sorts = 0;
  const counted = <Sort extends typeof sort | typeof toSorted>(original: Sort): Sort =>
    function (this: unknown[], ...args: never[]) {
      if (this.length >= least) sorts += 1;
      return Reflect.apply(original, this, args) as unknown[];
    } as Sort;
  prototype.sort = counted(sort);
  prototype.toSorted = counted(toSorted);
  try {
    await work();
  } finally {
    prototype.sort = sort;
    prototype.toSorted = toSorted;
  }
  return sorts;
}
