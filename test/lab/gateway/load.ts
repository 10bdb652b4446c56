import { Pool } from 'undici';

export interface LoadResult {
  requests: number;
  /** One sentence per failed request. */
  failures: string[];
  slowestMs: number;
  /** Requests that took more than a second. */
  slow: number;
  byServer: Record<string, number>;
}

/** `workers` clients in a closed loop, without any retry of their own, until stopped (twice is once). */
export function startLoad(origin: string, options: { workers: number; deadlineMs: number }): { stop(): Promise<LoadResult> } {
  const pool = new Pool(origin, { connections: options.workers, pipelining: 1 });
  const result: LoadResult = { requests: 0, failures: [], slowestMs: 0, slow: 0, byServer: {} };
  let running = true;
  const worker = async () => {
    while (running) {
      const startedAt = performance.now();
      try {
        const answer = await pool.request({ method: 'GET', path: '/', signal: AbortSignal.timeout(options.deadlineMs) });
        const body = (await answer.body.json()) as { name?: string };
        if (answer.statusCode !== 200) result.failures.push(`status ${answer.statusCode}`);
        else result.byServer[body.name ?? ''] = (result.byServer[body.name ?? ''] ?? 0) + 1;
      } catch (error) {
        result.failures.push(String(error));
      }
      result.requests += 1;
      const tookMs = performance.now() - startedAt;
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
      if (!pool.closed) await pool.close();
      return result;
    },
  };
}
