/** `@nines/runtime`: what a highly available Node service imports. */
export { createPool, type NinesPool, type PoolOptions } from './postgres/pool.ts';
export type { Leader, PostgresPlace } from './postgres/place.ts';
