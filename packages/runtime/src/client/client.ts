/** `@nines/runtime/client`: what asks a highly available service, so that the death of a gateway costs it nothing. */
import { randomUUID } from 'node:crypto';
import { PRIORITIES, type Call, type Priority } from '../call/call.ts';
import { type Clock, SYSTEM_CLOCK } from '../clock/clock.ts';
import { requireInteger, requireNumber } from '../errors/option.ts';
import { hedge } from '../hedge/hedge.ts';
import { compose } from '../policy/compose.ts';
import type { Policy } from '../policy/policy.ts';
import { exponentialBackoff } from '../retry/backoff.ts';
import { wasNotSent } from '../retry/not-sent.ts';
import { retry } from '../retry/retry.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { timeout } from '../timeout/timeout.ts';
import { Connections, type Question } from './exchange.ts';

export interface ClientOptions {
  /** Milliseconds for a read (GET, HEAD, OPTIONS), all tries together, from 1 on. Default 2,000. */
  readMs?: number;
  /** Milliseconds for anything else, from 1 on. Default 3,000. */
  writeMs?: number;
  /**
   * Tries that reach the service, in all, from 1 on. Default 2. A try after the first is made on a connection of its own. More: rides out longer
   * trouble, and adds load to it. A connection that cannot be made is no try: it is repeated until the time is over.
   */
  attempts?: number;
  /** Share of the time that a try before the last may take, above 0 to 1. Default 0.5: who hangs leaves as much for the next. */
  attemptShare?: number;
  /** Bounds tries after the first, of all that share it. Default: one of this client's own. */
  budget?: RetryBudget;
  /** Milliseconds after which a read is asked a second time beside the first, from 1 on. Default: never. About the 95th percentile. */
  hedgeAfterMs?: number;
  /** Connections kept for each origin, from 1 on. Default 100. */
  connections?: number;
  /** Bytes of an answer, which is held whole, from 1 on. Default 16 MiB. */
  maxBytes?: number;
  /** PEM of the authority that is trusted, instead of the system's. */
  ca?: string;
  clock?: Clock;
}

export interface AskOptions {
  /** Default GET. */
  method?: string;
  /** An `idempotency-key` among them is the request's. Default: none. */
  headers?: Record<string, string>;
  /** Text, bytes, or what becomes JSON, with its content type. */
  body?: string | Uint8Array | object;
  /**
   * What makes two requests one effect; sent as `Idempotency-Key`. Default, but for GET, HEAD and OPTIONS: a new one, the same for all tries. Give
   * your own to repeat a request after a crash; null for a server that knows no keys: then only what was not sent is repeated.
   */
  idempotencyKey?: string | null;
  /** Milliseconds for all tries together, instead of the client's. */
  timeoutMs?: number;
  /** The caller gives up. */
  signal?: AbortSignal;
  /** Sent as `x-priority` unless it is 'normal': under overload the later ones are refused first. */
  priority?: Priority;
}

/** More than fit into any time. */
const CONNECTS = 1_000_000;

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** By HTTP doing them twice is doing them once. */
const IDEMPOTENT = new Set([...READS, 'PUT', 'DELETE']);
/** Said by who could not do it, or did not hear: another one may. */
const UNWELL = new Set([502, 503, 504]);
/** Said of the moment, if with a time to come back: too many, or the first try of the same key is still at work. */
const LATER = new Set([409, 425, 429]);

export class Client {
  readonly #connections: Connections;
  readonly #options: Required<Pick<ClientOptions, 'readMs' | 'writeMs' | 'attempts' | 'attemptShare'>>;
  readonly #policy: Policy;
  readonly #clock: Clock;

  constructor(options: ClientOptions) {
    const { readMs = 2_000, writeMs = 3_000, attempts = 2, attemptShare = 0.5, clock = SYSTEM_CLOCK } = options;
    const { connections = 100, maxBytes = 16 * 2 ** 20, budget = new RetryBudget({ clock }), hedgeAfterMs } = options;
    requireNumber('readMs', readMs, 1, 2 ** 31 - 1);
    requireNumber('writeMs', writeMs, 1, 2 ** 31 - 1);
    requireInteger('attempts', attempts, 1);
    requireNumber('attemptShare', attemptShare, 0.01, 1);
    requireInteger('connections', connections, 1);
    requireInteger('maxBytes', maxBytes, 1);
    this.#options = { readMs, writeMs, attempts, attemptShare };
    this.#connections = new Connections({ ca: options.ca, connections, maxBytes });
    const backoff = exponentialBackoff({ firstMs: 20, maxMs: 250 });
    this.#clock = clock;
    this.#policy = compose(
      retry({ attempts, budget, retryIf: mayAskAgain, backoff, clock }),
      retry({ attempts: CONNECTS, retryIf: wasNotSent, backoff, clock }),
      ...(hedgeAfterMs === undefined ? [] : [hedge({ afterMs: hedgeAfterMs, budget, clock })]),
    );
  }

  /**
   * As `fetch`, with an end, and with tries on other connections where a second one can do no harm. The answer is whole when it is given.
   * @returns also an answer that is no success: the last one. Rejects with PolicyError E_DEADLINE, the signal's reason, or what the network said.
   * @throws TypeError for a URL or an option that cannot be.
   */
  async fetch(url: string | URL, ask: AskOptions = {}): Promise<Response> {
    const question = questionOf(url, ask);
    const timeoutMs = ask.timeoutMs ?? (READS.has(question.method) ? this.#options.readMs : this.#options.writeMs);
    const tries: Tries = { begun: 0, sent: 0 };
    const idempotent = IDEMPOTENT.has(question.method) || question.headers['idempotency-key'] !== undefined;
    const { signal, priority } = ask;
    try {
      return await this.#policy.execute((call) => this.#attempt(question, call, timeoutMs, tries), {
        ...{ timeoutMs, idempotent },
        ...(signal === undefined ? {} : { signal }),
        ...(priority === undefined ? {} : { priority }),
      });
    } catch (error) {
      if (error instanceof Unwell) return error.response;
      throw error;
    }
  }

  /** Ends kept connections; requests under way reject. */
  close(): void {
    this.#connections.close();
  }

  async #attempt(question: Question, call: Call, timeoutMs: number, tries: Tries): Promise<Response> {
    const { attempts, attemptShare } = this.#options;
    const isFresh = tries.begun > 0;
    const isLast = tries.sent >= attempts - 1;
    tries.begun += 1;
    // Below the call's own end it changes nothing: the last one has all that is left.
    const limit = timeout({ ms: Math.max(1, isLast ? timeoutMs : timeoutMs * attemptShare), clock: this.#clock });
    try {
      const response = await limit.execute(({ signal }) => this.#connections.ask(question, { isFresh, signal }), call);
      const afterS = Number(response.headers.get('retry-after') ?? Number.NaN);
      if (!UNWELL.has(response.status) && !(LATER.has(response.status) && afterS >= 0)) return response;
      throw new Unwell(response, afterS >= 0 ? afterS * 1_000 : 0);
    } catch (error) {
      if (!wasNotSent(error)) tries.sent += 1;
      throw error;
    }
  }
}

interface Tries {
  begun: number;
  /** Of those that ended without a good answer, whose request may have arrived. */
  sent: number;
}

/** An answer that another try may better; it is the caller's when there is none. */
class Unwell extends Error {
  readonly response: Response;
  readonly retryAfterMs: number;

  constructor(response: Response, retryAfterMs: number) {
    super(`answered ${response.status}`);
    this.response = response;
    this.retryAfterMs = retryAfterMs;
  }
}

function mayAskAgain(error: unknown, call: Call): boolean {
  if ((error as { code?: unknown } | null)?.code === 'E_ANSWER_TOO_LARGE') return false;
  // Connections were tried for as long as there was time.
  return call.idempotent && !wasNotSent(error);
}

function questionOf(url: string | URL, { method = 'GET', headers = {}, body, idempotencyKey, priority }: AskOptions): Question {
  const target = new URL(url);
  if (!/^https?:$/.test(target.protocol)) throw new TypeError(`the URL's protocol is ${target.protocol}; it is http: or https:`);
  if (priority !== undefined && !PRIORITIES.includes(priority))
    throw new TypeError(`priority is ${priority}; it is one of ${PRIORITIES.join(', ')}`);
  const verb = method.toUpperCase();
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const key = idempotencyKey === undefined ? (own['idempotency-key'] ?? (READS.has(verb) ? null : randomUUID())) : idempotencyKey;
  const { bytes, type } = contentOf(body);
  return {
    url: target,
    method: verb,
    headers: {
      ...(type === null ? {} : { 'content-type': type }),
      ...own,
      ...(bytes === null ? {} : { 'content-length': String(bytes.byteLength) }),
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...(priority === undefined || priority === 'normal' ? {} : { 'x-priority': priority }),
    },
    body: bytes,
  };
}

function contentOf(body: AskOptions['body']): { bytes: Uint8Array | null; type: string | null } {
  if (body === undefined) return { bytes: null, type: null };
  if (body instanceof Uint8Array) return { bytes: body, type: 'application/octet-stream' };
  if (typeof body === 'string') return { bytes: Buffer.from(body), type: 'text/plain; charset=utf-8' };
  return { bytes: Buffer.from(JSON.stringify(body)), type: 'application/json' };
}

/** @throws RangeError that names the option. */
export function createClient(options: ClientOptions = {}): Client {
  return new Client(options);
}
