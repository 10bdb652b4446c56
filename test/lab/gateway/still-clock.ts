/** Tells how long this process stood still: what the machine held up is not a delay of what is measured. */
export interface StillClock {
  /** Stood still so far, milliseconds. */
  stillMs(): number;
  /** Since this process began, without those. */
  awakeMs(): number;
  stop(): void;
}

const TICK_MS = 20;
/** A tick that is later than this was held up; less is an ordinary busy moment. */
const LATE_MS = 120;

export function startStillClock(): StillClock {
  let totalMs = 0;
  let tickedAt = performance.now();
  // Also right for who asks between a stall and the tick after it.
  const sinceTickMs = (): number => {
    const lateMs = performance.now() - tickedAt - TICK_MS;
    return lateMs > LATE_MS ? lateMs : 0;
  };
  const timer = setInterval(() => {
    totalMs += sinceTickMs();
    tickedAt = performance.now();
  }, TICK_MS);
  timer.unref();
  const stillMs = () => totalMs + sinceTickMs();
  return { stillMs, awakeMs: () => performance.now() - stillMs(), stop: () => clearInterval(timer) };
}
