/** The end of an instance, in the one order in which no request is lost. */
import type { Clock } from '../clock/clock.ts';

export interface DrainSteps {
  /** Readiness off; every answer from now on asks its client to close the connection. Liveness stays on. */
  refuseReadiness(): void;
  /** No new connections (they are refused, not reset); idle ones are closed. */
  closeListener(): void;
  /** Requests at work, one short name each. */
  inFlight(): string[];
  /** Resolves when no request is at work. */
  whenIdle(): Promise<void>;
  closePools(): PromiseLike<unknown>;
}

export interface DrainResult {
  exitCode: 0 | 1;
  /** What was still at work at the deadline. */
  stillRunning: string[];
}

export interface DrainTimes {
  /** How long to go on serving as if nothing were: the gateways notice at their next checks. */
  drainMs: number;
  /** From the call to the result, at most. */
  stopMs: number;
}

/** Never rejects: a step that fails ends in exit code 1 with its message. */
export async function drain(steps: DrainSteps, times: DrainTimes, clock: Clock): Promise<DrainResult> {
  const deadlineMs = clock.nowMs() + times.stopMs;
  const remainingMs = (): number => Math.max(0, deadlineMs - clock.nowMs());
  steps.refuseReadiness();
  // A short stop time must leave some of itself for the requests at work.
  await new Promise<void>((resolve) => void clock.startTimer(Math.min(times.drainMs, times.stopMs / 2), resolve));
  steps.closeListener();
  if (!(await inTime(steps.whenIdle(), remainingMs(), clock))) return { exitCode: 1, stillRunning: steps.inFlight() };
  try {
    if (await inTime(steps.closePools(), remainingMs(), clock)) return { exitCode: 0, stillRunning: [] };
    return { exitCode: 1, stillRunning: ['closing the connections to its dependencies'] };
  } catch (error) {
    return { exitCode: 1, stillRunning: [`closing connections failed: ${(error as Error).message}`] };
  }
}

function inTime(work: PromiseLike<unknown>, limitMs: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = clock.startTimer(limitMs, () => resolve(false));
    work.then(
      () => {
        timer.stop();
        resolve(true);
      },
      (error: Error) => {
        timer.stop();
        reject(error);
      },
    );
  });
}
