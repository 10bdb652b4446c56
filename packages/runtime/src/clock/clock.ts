/** Where time comes from: given to everything that waits, so that tests can hold it still. */

export interface Clock {
  /** Milliseconds that only grow; of no known beginning. */
  nowMs(): number;
  /** Calls `fire` once, when about `afterMs` have passed. */
  startTimer(afterMs: number, fire: () => void): Timer;
}

export interface Timer {
  stop(): void;
  /** Whether it keeps the process alive; it does at first. */
  hold(isHeld: boolean): void;
}

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  startTimer: (afterMs, fire) => {
    const timer = setTimeout(fire, afterMs);
    return {
      stop: () => clearTimeout(timer),
      hold: (isHeld) => void (isHeld ? timer.ref() : timer.unref()),
    };
  },
};
