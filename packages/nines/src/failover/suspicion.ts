/** When silence becomes suspicious: by the gaps that were usual. Its clock is the listener's: see listening-clock.ts. */
import type { Timing } from './timing.ts';

export interface Detector {
  lastHeardMs: number;
  /** Usual gap and its usual deviation, both moving averages. */
  gapMs: number;
  deviationMs: number;
}

/** As in TCP's retransmission timer: an eighth of the newest gap, a quarter of the newest deviation. */
const GAP_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;
/** Four deviations: with the floor, what is left of false alarms is a matter of the pre-vote. */
const DEVIATIONS = 4;

export function firstHeard(timing: Timing, nowMs: number): Detector {
  return { lastHeardMs: nowMs, gapMs: timing.heartbeatMs, deviationMs: timing.heartbeatMs / 2 };
}

/** A heartbeat that is older than the last one changes nothing. */
export function heard(detector: Detector, nowMs: number): Detector {
  const gap = nowMs - detector.lastHeardMs;
  if (gap < 0) return detector;
  return {
    lastHeardMs: nowMs,
    gapMs: detector.gapMs + GAP_WEIGHT * (gap - detector.gapMs),
    deviationMs: detector.deviationMs + DEVIATION_WEIGHT * (Math.abs(gap - detector.gapMs) - detector.deviationMs),
  };
}

/** Longest silence that is not suspicious. */
export function patienceMs(detector: Detector, timing: Timing): number {
  const usual = detector.gapMs + DEVIATIONS * detector.deviationMs;
  return Math.min(Math.max(usual, timing.suspicionFloorMs), timing.suspicionCeilingMs);
}

export function isSilent(detector: Detector, timing: Timing, nowMs: number): boolean {
  return nowMs - detector.lastHeardMs > patienceMs(detector, timing);
}
