import { Pool } from 'undici';
import { startStillClock, type StillClock } from './still-clock.ts';

export interface LoadResult {
  requests: number;
  /** One sentence per failed request. */
  failures: string[];
  /** Without the time in which this process stood still. */
  slowestMs: number;
  /** Requests that took more than a second in that measure. */
  slow: number;
  byServer: Record<string, number>;
}

/** `workers` clients in a closed loop, without any retry of their own, until stopped (twice is once). */
export function startLoad(origin: string, options: { workers: number; deadlineMs: number }): { stop(): Promise<LoadResult> } {
  const pool = new Pool(origin, { connections: options.workers, pipelining: 1 });
  const result: LoadResult = { requests: 0, failures: [], slowestMs: 0, slow: 0, byServer: {} };
  const clock = startStillClock();
  let running = true;
  const worker = async () => {
    while (running) {
      const startedAt = clock.awakeMs();
      try {
        const answer = await pool.request({ method: 'GET', path: '/', signal: awakeTimeout(clock, options.deadlineMs) });
        const body = (await answer.body.json()) as { name?: string };
        if (answer.statusCode !== 200) result.failures.push(`status ${answer.statusCode}`);
        else result.byServer[body.name ?? ''] = (result.byServer[body.name ?? ''] ?? 0) + 1;
      } catch (error) {
        result.failures.push(String(error));
      }
      result.requests += 1;
      const tookMs = clock.awakeMs() - startedAt;
      result.slowestMs = Math.max(result.slowestMs, tookMs);
      if (tookMs > 1_000) result.slow += 1;
      // Paced: the machine is shared, and a saturated one shows queues instead of faults.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const workers = Array.from({ length: options.workers }, worker);
  return {
    stop: async () => {
      running = false;
      await Promise.all(workers);
      clock.stop();
      if (!pool.closed) await pool.close();
      return result;
    },
  };
}

/** As `AbortSignal.timeout`, of time in which this process ran. */
function awakeTimeout(clock: StillClock, limitMs: number): AbortSignal {
  const late = new AbortController();
  const endsAt = clock.awakeMs() + limitMs;
  const look = (): void => {
    const leftMs = endsAt - clock.awakeMs();
    if (leftMs > 0) setTimeout(look, Math.ceil(leftMs)).unref();
    else late.abort(new Error(`no answer within ${limitMs} ms`));
  };
  look();
  return late.signal;
}
