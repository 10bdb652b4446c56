/** `@nines/runtime/opossum`: the class itself for `require`, as opossum gives it. */
import { CircuitBreaker } from './circuit-breaker.ts';

export default CircuitBreaker;
export { CircuitBreaker, CircuitBreaker as 'module.exports' };
export type { CircuitBreakerOptions } from './options.ts';
