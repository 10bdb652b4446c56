/**
 * The absolute schedule: request k is due at k / rate, whatever became of those before it. A client that waits for
 * answers would stop asking exactly while the system does not answer, and miss the outage it is there to see.
 */
export interface OpenLoopOptions {
  ratePerSecond: number;
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

export function startOpenLoop({ ratePerSecond, clock, issue, sweep }: OpenLoopOptions): OpenLoop {
  let index = 0;
  let issuing = true;
  let sweptMs = clock();
  let timer: NodeJS.Timeout | null = null;
  const dueMs = (k: number) => (k * 1000) / ratePerSecond;
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
