/** `@nines/runtime`: what a highly available Node service imports. */
export { bulkhead, type BulkheadOptions, type BulkheadPolicy } from './bulkhead/bulkhead.ts';
export { Cached, type CachedAnswer, type CachedOptions } from './cached/cached.ts';
export type { Call, CallOptions, Priority } from './call/call.ts';
export { circuitBreaker, type CircuitBreakerOptions, type CircuitBreakerPolicy } from './circuit-breaker/circuit-breaker.ts';
export type { Clock, Timer } from './clock/clock.ts';
export { PolicyError, type PolicyErrorCode } from './errors/policy-error.ts';
export { fallback, type FallbackOptions } from './fallback/fallback.ts';
export { hedge, type HedgeOptions } from './hedge/hedge.ts';
export { compose } from './policy/compose.ts';
export { type Action, type Next, Policy } from './policy/policy.ts';
export { createPool, type NinesPool, type PoolOptions } from './postgres/pool.ts';
export type { Leader, PostgresPlace } from './postgres/place.ts';
export { rateLimit, type RateLimitOptions } from './rate-limit/rate-limit.ts';
export { constantBackoff, exponentialBackoff, type Backoff } from './retry/backoff.ts';
export { wasNotSent } from './retry/not-sent.ts';
export { retry, type RetryOptions } from './retry/retry.ts';
export { RetryBudget, type RetryBudgetOptions } from './retry/retry-budget.ts';
export { timeout, type TimeoutOptions } from './timeout/timeout.ts';
