/** `@nines/runtime`: what a highly available Node service imports. */
export { Cached, type CachedAnswer, type CachedOptions } from './cached/cached.ts';
export { createPool, type NinesPool, type PoolOptions } from './postgres/pool.ts';
export type { Leader, PostgresPlace } from './postgres/place.ts';
