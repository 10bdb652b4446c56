/**
 * What a well-behaved gateway does, and nothing more: asks who is ready, keeps its connections, closes them when told,
 * sends every request once. No retry of any kind, so every mistake of a stopping instance shows.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './instance.ts';

export interface LoadResult {
  /** Per instance. */
  answered: Map<string, number>;
  failures: string[];
}

export interface KeepAliveLoad {
  /** Answers so far. */
  answeredBy(origin: string): number;
  stop(): Promise<LoadResult>;
}

export function startKeepAliveLoad(origins: string[], options: { workers: number; send(worker: number): Sent }): KeepAliveLoad {
  const stopping = new AbortController();
  const ready = new Set(origins);
  const result: LoadResult = { answered: new Map(), failures: [] };
  const checks = origins.map(async (origin) => {
    while (!stopping.signal.aborted) {
      const good = await ask({ origin }, 'GET', '/ready').then(
        ({ status }) => status === 200,
        () => false,
      );
      if (good) ready.add(origin);
      else ready.delete(origin);
      await delay(100);
    }
  });
  const workers = Array.from({ length: options.workers }, async (_, worker) => {
    while (!stopping.signal.aborted) await oneConnection(worker);
  });

  /** From its opening to the answer that asks to close it. */
  async function oneConnection(worker: number): Promise<void> {
    const candidates = [...ready];
    const origin = candidates[worker % Math.max(1, candidates.length)];
    if (origin === undefined) throw new Error('nobody is ready');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (let keep = true; keep && !stopping.signal.aborted; ) {
        keep = await one(agent, origin, options.send(worker));
        await delay(5);
      }
    } finally {
      agent.destroy();
    }
  }

  async function one(agent: Agent, origin: string, sent: Sent): Promise<boolean> {
    try {
      const response = await exchange(agent, origin, sent);
      if (response.statusCode !== sent.expected) result.failures.push(`${sent.method} ${sent.path}: ${response.statusCode}`);
      result.answered.set(origin, (result.answered.get(origin) ?? 0) + 1);
      return response.headers.connection !== 'close';
    } catch (error) {
      result.failures.push(`${sent.method} ${sent.path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
      return false;
    }
  }

  return {
    answeredBy: (origin) => result.answered.get(origin) ?? 0,
    async stop() {
      stopping.abort();
      await Promise.all([...checks, ...workers]);
      return result;
    },
  };
}

export interface Sent {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
  expected: number;
}

function exchange(agent: Agent, origin: string, { method, path, headers, body }: Sent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${origin}${path}`, { method, headers, agent, signal: AbortSignal.timeout(5_000) }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () => resolve(response));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
