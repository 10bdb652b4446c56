/** Sessions in Redis: any instance knows every session, none keeps one. */
import { createHash, randomBytes } from 'node:crypto';
import { type Call, compose, exponentialBackoff, retry, timeout } from '@nines/runtime';
import type { Redis } from 'ioredis';
import type { DependencyLog } from '../dependency-log.ts';
import { Failure } from '../failure.ts';

export interface Session {
  customerId: number;
  name: string;
}

export const SESSION_SECONDS = 24 * 60 * 60;

/** 24 random bytes, base64url. */
const TOKEN = /^[A-Za-z0-9_-]{32}$/;

/** Longest time a request waits for Redis, retries included. */
const PATIENCE_MS = 400;

/** Every command here may be run twice without harm, so every failure may be retried. */
const PATIENTLY = compose(
  timeout(PATIENCE_MS),
  retry({ attempts: 100, retryIf: () => true, backoff: exponentialBackoff({ firstMs: 20, maxMs: 200 }) }),
);

export class Sessions {
  readonly #redis: Redis;
  readonly #log: DependencyLog;

  constructor(redis: Redis, log: DependencyLog) {
    this.#redis = redis;
    this.#log = log;
    // The client reconnects by itself; unheard, this event would be printed for every attempt.
    redis.on('error', (error) => log.failed(error));
  }

  /** Resolves with the token that the client presents from now on. */
  async open(session: Session, call: Call): Promise<string> {
    const token = randomBytes(24).toString('base64url');
    await this.#guarded(call, () => this.#redis.set(keyOf(token), JSON.stringify(session), 'EX', SESSION_SECONDS));
    return token;
  }

  /** Null for a token that is malformed, unknown or too old. */
  async find(token: string, call: Call): Promise<Session | null> {
    if (!TOKEN.test(token)) return null;
    const stored = await this.#guarded(call, () => this.#redis.get(keyOf(token)));
    return stored === null ? null : (JSON.parse(stored) as Session);
  }

  async check(): Promise<void> {
    await this.#redis.ping();
  }

  /** Resolves when the client is connected to the master; rejects at the signal. */
  async warm(signal: AbortSignal): Promise<void> {
    if (this.#redis.status === 'ready') return;
    await new Promise<void>((resolve, reject) => {
      const onReady = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#redis.off('ready', onReady);
        reject(new Error('Redis did not answer in time'));
      };
      this.#redis.once('ready', onReady);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  close(): void {
    this.#redis.disconnect();
  }

  async #guarded<T>(call: Call, command: () => Promise<T>): Promise<T> {
    try {
      const value = await PATIENTLY.execute(command, call);
      this.#log.worked();
      return value;
    } catch (error) {
      // Who went away says nothing about Redis.
      if (!call.isAborted) this.#log.failed(error);
      const message = 'Sessions cannot be read at the moment.';
      throw new Failure(503, 'sessions_unavailable', message, { retryAfterSeconds: 1, cause: error });
    }
  }
}

/** Who reads the keys of Redis (a dump, MONITOR) must not be able to use the sessions. */
function keyOf(token: string): string {
  return `orders:session:${createHash('sha256').update(token).digest('base64url')}`;
}

/** The token of `Authorization: Bearer` or of the cookie; null when there is neither. */
export function tokenOf(headers: { authorization?: string | undefined; cookie?: string | undefined }): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '');
  if (bearer?.[1] !== undefined) return bearer[1];
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === 'session' && value !== undefined) return value;
  }
  return null;
}

export function sessionCookie(token: string, secure: boolean): string {
  return `session=${token}; Path=/; Max-Age=${SESSION_SECONDS}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
}
