/** opossum, which comes without types: those of the class that takes its place fit. */
import { createRequire } from 'node:module';
import type { CircuitBreaker } from '../../packages/runtime/src/opossum/circuit-breaker.ts';

export type BreakerClass = typeof CircuitBreaker;

export const Opossum = createRequire(import.meta.url)('opossum') as BreakerClass;
