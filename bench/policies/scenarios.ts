/** The same call through the same policies of each library. */
import {
  bulkhead as cockatielBulkhead,
  circuitBreaker as cockatielBreaker,
  ConsecutiveBreaker,
  handleAll,
  retry as cockatielRetry,
  SamplingBreaker,
  timeout as cockatielTimeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { bulkhead, circuitBreaker, compose, retry, timeout } from '../../packages/runtime/src/index.ts';
import NinesOpossum from '../../packages/runtime/src/opossum/opossum.ts';
import type { Library } from './defects.ts';
import { type BreakerClass, Opossum } from './opossum.ts';

const TIMEOUT_MS = 1_000;
const PLACES = 100;
/** Of the scenario of that name: what the window holds before it is measured. */
const CALLS_BEFORE = 10_000;

type Call = () => PromiseLike<unknown>;
/** What is measured; rejections are part of it. */
export type Scenario = Partial<Record<Library, () => Promise<Call> | Call>>;

const answers = (): Promise<number> => Promise.resolve(1);
const fails = (): Promise<never> => Promise.reject(FAILURE);
/** Made once: a stack is dearer than what is measured. */
const FAILURE = new Error('no');

const caught =
  (call: Call): Call =>
  () =>
    call().then(undefined, () => undefined);

const opossums = (make: (Breaker: BreakerClass) => Promise<Call> | Call): Scenario => ({
  opossum: () => make(Opossum),
  'nines/opossum': () => make(NinesOpossum),
});

const sampling = (threshold: number) => ({ halfOpenAfter: 60_000, breaker: new SamplingBreaker({ threshold, duration: 10_000 }) });

export const SCENARIOS: Record<string, Scenario> = {
  timeout: {
    cockatiel: () => {
      const policy = cockatielTimeout(TIMEOUT_MS, TimeoutStrategy.Aggressive);
      return () => policy.execute(answers);
    },
    nines: () => {
      const policy = timeout(TIMEOUT_MS);
      return () => policy.execute(answers);
    },
  },
  retry: {
    cockatiel: () => {
      const policy = cockatielRetry(handleAll, { maxAttempts: 3 });
      return () => policy.execute(answers);
    },
    nines: () => {
      const policy = retry({ attempts: 3 });
      return () => policy.execute(answers);
    },
  },
  bulkhead: {
    cockatiel: () => {
      const policy = cockatielBulkhead(PLACES);
      return () => policy.execute(answers);
    },
    nines: () => {
      const policy = bulkhead({ concurrency: PLACES });
      return () => policy.execute(answers);
    },
  },
  breaker: {
    ...opossums((Breaker) => {
      const breaker = new Breaker(answers, { timeout: false });
      return () => breaker.fire();
    }),
    cockatiel: () => {
      const policy = cockatielBreaker(handleAll, sampling(0.5));
      return () => policy.execute(answers);
    },
    nines: () => {
      const policy = circuitBreaker();
      return () => policy.execute(answers);
    },
  },
  'timeout, breaker, bulkhead': {
    ...opossums((Breaker) => {
      const breaker = new Breaker(answers, { timeout: TIMEOUT_MS, capacity: PLACES });
      return () => breaker.fire();
    }),
    cockatiel: () => {
      const policy = wrap(
        cockatielBreaker(handleAll, sampling(0.5)),
        cockatielBulkhead(PLACES),
        cockatielTimeout(TIMEOUT_MS, TimeoutStrategy.Aggressive),
      );
      return () => policy.execute(answers);
    },
    nines: () => {
      const policy = compose(timeout(TIMEOUT_MS), circuitBreaker(), bulkhead({ concurrency: PLACES }));
      return () => policy.execute(answers);
    },
  },
  'timeout, retry, breaker, bulkhead': {
    cockatiel: () => {
      const policy = wrap(
        cockatielTimeout(TIMEOUT_MS, TimeoutStrategy.Aggressive),
        cockatielRetry(handleAll, { maxAttempts: 3 }),
        cockatielBreaker(handleAll, sampling(0.5)),
        cockatielBulkhead(PLACES),
      );
      return () => policy.execute(answers);
    },
    nines: () => {
      const policy = compose(timeout(TIMEOUT_MS), retry({ attempts: 3 }), circuitBreaker(), bulkhead({ concurrency: PLACES }));
      return () => policy.execute(answers);
    },
  },
  'refused by an open circuit': {
    ...opossums((Breaker) => {
      const breaker = new Breaker(answers, { resetTimeout: 60_000 });
      breaker.open();
      return caught(() => breaker.fire());
    }),
    cockatiel: async () => {
      const policy = cockatielBreaker(handleAll, { halfOpenAfter: 60_000, breaker: new ConsecutiveBreaker(1) });
      await policy.execute(fails).catch(() => undefined);
      return caught(() => policy.execute(answers));
    },
    nines: () => {
      const policy = circuitBreaker({ openMs: 60_000 });
      policy.open();
      return caught(() => policy.execute(answers));
    },
  },
  'failure, 10,000 calls in the window': {
    ...opossums(async (Breaker) => {
      let isBad = false;
      const breaker = new Breaker(() => (isBad ? fails() : answers()), {
        ...{ errorThresholdPercentage: 99.9, rollingCountTimeout: 600_000, timeout: false as const },
      });
      for (let at = 0; at < CALLS_BEFORE; at++) await breaker.fire();
      isBad = true;
      return caught(() => breaker.fire());
    }),
    cockatiel: async () => {
      const policy = cockatielBreaker(handleAll, {
        ...{ halfOpenAfter: 60_000, breaker: new SamplingBreaker({ threshold: 0.999, duration: 600_000 }) },
      });
      for (let at = 0; at < CALLS_BEFORE; at++) await policy.execute(answers);
      return caught(() => policy.execute(fails));
    },
    nines: async () => {
      const policy = circuitBreaker({ failureRate: 0.999, windowMs: 600_000 });
      for (let at = 0; at < CALLS_BEFORE; at++) await policy.execute(answers);
      return caught(() => policy.execute(fails));
    },
  },
};

/** Few enough that the window of the last scenario stays what its name says. */
export const MEASURED_FAILURES = 500;
export const FAILURES = 'failure, 10,000 calls in the window';
