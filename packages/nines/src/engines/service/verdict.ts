/** From an instance's answers to an observation. Pure. */
import type { Observation } from '../engine.ts';
import type { ProbeAnswer } from './probe.ts';

/** An answer, or why there is none. */
export type Asked = ProbeAnswer | { error: string };

/** Before the start-up check has passed, silence is no reason for a restart: `startTimeoutMs` is its limit. */
export function startingObservation(startup: Asked, path: string): Observation {
  return { ready: false, live: true, reason: `starting: ${sentence(startup, path)}` };
}

export function runningObservation(asked: { ready: Asked; live: Asked }, paths: { readyPath: string; livePath: string }): Observation {
  const live = isGood(asked.live);
  const ready = live && isGood(asked.ready);
  const details = 'error' in asked.ready ? undefined : detailsOf(asked.ready.body);
  return {
    ready,
    live,
    reason: reasonOf(asked, paths, { live, ready }),
    ...(details === undefined ? {} : { details }),
  };
}

/** As HAProxy and Kubernetes count it. */
export function isGood(asked: Asked): boolean {
  return 'status' in asked && asked.status >= 200 && asked.status < 400;
}

function reasonOf(
  asked: { ready: Asked; live: Asked },
  paths: { readyPath: string; livePath: string },
  verdict: { live: boolean; ready: boolean },
): string {
  if (!verdict.live) return `not alive: ${sentence(asked.live, paths.livePath)}`;
  if (!verdict.ready) return `not ready: ${sentence(asked.ready, paths.readyPath)}`;
  return 'answers';
}

function sentence(asked: Asked, path: string): string {
  return 'error' in asked ? `${path}: ${asked.error}` : `${path} answers ${asked.status}`;
}

/** Texts, numbers and truths of a flat JSON answer, such as { "status": "ready" }; at most eight, each short. */
export function detailsOf(body: string): Record<string, string | number | boolean> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined; // Services may answer whatever they like.
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const figures = Object.entries(parsed).filter((entry): entry is [string, string | number | boolean] =>
    ['string', 'number', 'boolean'].includes(typeof entry[1]),
  );
  if (figures.length === 0) return undefined;
  return Object.fromEntries(figures.slice(0, 8).map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, 100) : value]));
}
