/**
 * The absolute schedule: every request is due at a moment that was fixed before the run, whatever became of those before it. A client that waits for
 * answers would stop asking exactly while the system does not answer, and miss the outage it is there to see.
 */
export interface OpenLoopOptions {
  /** When request k is due. */
  dueMs(index: number): number;
  clock: () => number;
  /** Called in order for every request that is due, several at once after a delay. */
  issue(index: number, dueMs: number): void;
  /** Called at least every 10 ms, from the start until `close`. */
  sweep(nowMs: number): void;
}

export interface OpenLoop {
  /** No further request is issued; sweeping goes on for those under way. */
  stop(): void;
  close(): void;
}

const LONGEST_SLEEP_MS = 10;

/**
 * k / rate, after a rate that grows evenly from 0 during the ramp: by its end half as many requests were due as at the
 * full rate. Pure.
 */
export function dueAtMs(index: number, ratePerSecond: number, rampMs: number): number {
  const perMs = ratePerSecond / 1000;
  const inRamp = (perMs * rampMs) / 2;
  return index < inRamp ? Math.sqrt((2 * index * rampMs) / perMs) : rampMs + (index - inRamp) / perMs;
}

export function startOpenLoop({ dueMs, clock, issue, sweep }: OpenLoopOptions): OpenLoop {
  let index = 0;
  let issuing = true;
  let sweptMs = clock();
  let timer: NodeJS.Timeout | null = null;
  const wake = () => {
    const nowMs = clock();
    while (issuing && dueMs(index) <= nowMs) {
      issue(index, dueMs(index));
      index += 1;
    }
    if (nowMs - sweptMs >= LONGEST_SLEEP_MS / 2) {
      sweptMs = nowMs;
      sweep(nowMs);
    }
    const waitMs = issuing ? dueMs(index) - clock() : LONGEST_SLEEP_MS;
    timer = setTimeout(wake, Math.min(LONGEST_SLEEP_MS, Math.max(1, Math.floor(waitMs))));
  };
  wake();
  return {
    stop: () => {
      issuing = false;
    },
    close: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}
