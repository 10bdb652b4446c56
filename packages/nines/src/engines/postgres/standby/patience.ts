/** The first answer of a server that may be slow: a machine on which everything starts at once leaves sound servers unheard for seconds. */
import { setTimeout as delay } from 'node:timers/promises';

/** Longest silence that is not taken for a frozen server. */
const SILENCE_MS = 3_000;
/** Clients that take every connection go again, or their pools do. */
const CROWDED_MS = 5_000;
const POLL_MS = 100;
/** SQLSTATEs. It is up and full. */
const TOO_MANY_CONNECTIONS = '53300';
/** It is on its way up or down by somebody's order who is gone: no waiting makes it one that can be kept. */
const ON_ITS_WAY = ['57P01', '57P03'];

export interface PatienceOptions {
  /** A postmaster runs. */
  isRunning(): boolean;
  log(message: string): void;
  signal: AbortSignal;
  silenceMs?: number;
  crowdedMs?: number;
  pollMs?: number;
}

/**
 * Asks again until there is an answer; null when there is none: the server is gone, starts or stops, was silent for `silenceMs`, or full for
 * `crowdedMs`. Each question has to have a deadline of its own.
 * @throws the reason of `signal`.
 */
export async function patiently<Answer>(question: () => Promise<Answer>, options: PatienceOptions): Promise<Answer | null> {
  const { isRunning, log, signal, silenceMs = SILENCE_MS, crowdedMs = CROWDED_MS, pollMs = POLL_MS } = options;
  const startedAt = performance.now();
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await question();
    } catch (error) {
      signal.throwIfAborted();
      const code = (error as { code?: string }).code ?? '';
      const limitMs = ON_ITS_WAY.includes(code) ? 0 : code === TOO_MANY_CONNECTIONS ? crowdedMs : silenceMs;
      const isOver = !isRunning() || performance.now() - startedAt >= limitMs;
      if (isOver || tries === 1) log(`the server that runs does not say what it is${isOver ? '' : ' yet'}: ${String(error)}`);
      if (isOver) return null;
      await delay(pollMs, undefined, { signal });
    }
  }
}
