/**
 * When the gateway notices that an instance came or went. Pure: the service engine uses the same numbers
 * to know how long a draining instance has to keep serving.
 */
import type { ServiceTopology } from '../../topology/topology.ts';

export interface CheckTimings {
  /** Between two checks of a server whose state is settled. */
  intervalMs: number;
  /** After a first failed check, until the second one decides. */
  confirmMs: number;
  /** Between two checks of a server that is out. */
  returnMs: number;
  /** Longest wait for the answer of `readyPath`. */
  answerMs: number;
  /** Failed checks in a row that take a server out; one good check brings it back. */
  fall: number;
}

/** A cut-off host never answers a SYN: this is what a request that was sent there loses before it goes elsewhere. */
export const CONNECT_TIMEOUT_MS = 250;

/**
 * The topology's own words, bounded from above: the article's 10 s between readiness probes would mean 10 s of
 * retries after a death. A cut-off server leaves after at most intervalMs + fall * CONNECT_TIMEOUT_MS + confirmMs
 * = 1.1 s, and sooner under load, because requests that cannot connect count too.
 */
export function checkTimings(service: ServiceTopology): CheckTimings {
  return {
    intervalMs: Math.max(50, Math.min(service.health.intervalMs, 500)),
    confirmMs: 100,
    returnMs: 200,
    answerMs: Math.max(50, Math.min(service.health.timeoutMs, 500)),
    fall: 2,
  };
}

/**
 * How long an instance must keep serving after its `readyPath` began to refuse, so that every gateway has seen it:
 * the last good check may have been asked just before, both deciding checks may be slow, and 10 % of spread.
 */
export function drainNoticeMs(service: ServiceTopology): number {
  const { intervalMs, confirmMs, answerMs, fall } = checkTimings(service);
  return Math.ceil((intervalMs + (fall - 1) * confirmMs) * 1.1) + answerMs;
}
