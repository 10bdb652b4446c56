/** One instance of a service: starts, serves, drains, and says which of these it does. */
import type { Server } from 'node:http';
import { PRIORITIES, CallContext, type Priority } from '../call/call.ts';
import { type Clock, SYSTEM_CLOCK } from '../clock/clock.ts';
import { Expiring, ExpiryQueue } from '../clock/expiry-queue.ts';
import { requireNumber } from '../errors/option.ts';
import { PolicyError } from '../errors/policy-error.ts';
import type { Policy } from '../policy/policy.ts';
import { drain, type DrainResult } from './drain.ts';
import { type Ask, DependencyChecks, Life, type LifeState } from './health.ts';
import { InFlight } from './in-flight.ts';

/** Of pino and its like: what happened, and a sentence. */
export interface Log {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface LifecycleOptions {
  /** Whether each dependency answers, for `/healthz` alone: readiness never depends on them, or all instances would leave at once. Default: none. */
  dependencies?: Record<string, Ask>;
  /** Milliseconds that a dependency has for its answer, from 1 on. Default 300. */
  checkTimeoutMs?: number;
  /** Milliseconds for which an answer counts, from 0 on: however many ask, a dependency is asked once in that time. Default 1,000. */
  checkFreshMs?: number;
  /** Milliseconds for a request, from 1 on: its call's deadline. Default: 80 % of `NINES_REQUEST_MS` (what the gateway waits), else 10,000. */
  requestMs?: number;
  /** Milliseconds to go on serving after the signal, from 0 on, until every gateway has seen that it is not ready. Default `NINES_DRAIN_MS`, else 5,000. */
  drainMs?: number;
  /** Milliseconds from the signal to the end of the process, from 1 on. Default `NINES_STOP_MS`, else 10,000. */
  stopMs?: number;
  /** Last: closes pools. Default: nothing. */
  close?: () => PromiseLike<unknown>;
  /** What `/metrics` answers. Default: 404. */
  metrics?: () => PromiseLike<{ text: string; contentType: string }>;
  /** Around every request, for one that refuses: an `adaptiveLimit`. What it refuses is answered 503 with `Retry-After`. Default: none. */
  limit?: Policy;
  /** Default: none. */
  log?: Log;
  clock?: Clock;
}

/** To `/livez`, `/ready`, `/readyz`, `/startupz`, `/healthz`, `/metrics`. */
export interface ProbeAnswer {
  status: number;
  contentType: string;
  body: string;
}

/** One request at work. */
export interface RequestAtWork {
  /** Given up at the deadline, or when the client goes. */
  readonly call: CallContext;
  /** The client has gone before its answer. */
  gone(): void;
  /** It was answered, well or not. */
  ended(): void;
}

export interface RequestFacts {
  /** For the log, when a stop could not wait for it: 'GET /orders'. */
  name: string;
  method: string;
  /** Of the request, by small letters. */
  headers: Record<string, string | string[] | undefined>;
  /** Called when the instance begins to stop while it is at work: its answer is to ask for the connection to be closed. */
  stopping: () => void;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export class Lifecycle {
  readonly inFlight: InFlight;
  /** Null: none. */
  readonly limit: Policy | null;
  readonly #life = new Life();
  readonly #checks: DependencyChecks;
  readonly #options: LifecycleOptions;
  readonly #clock: Clock;
  readonly #times: { requestMs: number; drainMs: number; stopMs: number };
  readonly #expiries: ExpiryQueue;
  readonly #servers = new Set<Pick<Server, 'close'>>();
  readonly #told = new Set<() => void>();
  #stopping: Promise<DrainResult> | null = null;

  constructor(options: LifecycleOptions, environment: Record<string, string | undefined>) {
    const { dependencies = {}, checkTimeoutMs = 300, checkFreshMs = 1_000, limit = null, clock = SYSTEM_CLOCK } = options;
    const told = (name: string): number | undefined => (Number(environment[name]) > 0 ? Number(environment[name]) : undefined);
    const gatewayMs = told('NINES_REQUEST_MS');
    this.#times = {
      requestMs: options.requestMs ?? (gatewayMs === undefined ? 10_000 : Math.max(1, Math.floor(gatewayMs * 0.8))),
      drainMs: options.drainMs ?? told('NINES_DRAIN_MS') ?? 5_000,
      stopMs: options.stopMs ?? told('NINES_STOP_MS') ?? 10_000,
    };
    requireNumber('checkTimeoutMs', checkTimeoutMs, 1);
    requireNumber('checkFreshMs', checkFreshMs, 0);
    requireNumber('requestMs', this.#times.requestMs, 1);
    requireNumber('drainMs', this.#times.drainMs, 0);
    requireNumber('stopMs', this.#times.stopMs, 1);
    this.#options = options;
    this.#clock = clock;
    this.#checks = new DependencyChecks(dependencies, { freshMs: checkFreshMs, timeoutMs: checkTimeoutMs, clock });
    this.#expiries = new ExpiryQueue(clock, this.#times.requestMs);
    this.inFlight = new InFlight(() => clock.nowMs());
    this.limit = limit;
  }

  get state(): LifeState {
    return this.#life.state;
  }

  /** Milliseconds that a request has. */
  get requestMs(): number {
    return this.#times.requestMs;
  }

  /** Warm: requests may come. */
  serve(): void {
    this.#life.serve();
    this.#options.log?.info({ state: this.state }, 'ready');
  }

  /** Refuses new connections when it is stopped. */
  attach(server: Pick<Server, 'close'>): void {
    this.#servers.add(server);
  }

  begin({ name, method, headers, stopping }: RequestFacts): RequestAtWork {
    const nowMs = this.#clock.nowMs();
    const { requestMs } = this.#times;
    const idempotent = SAFE.has(method) || headers['idempotency-key'] !== undefined;
    const call = new CallContext(this.#clock, null, {
      ...{ deadlineMs: nowMs + requestMs, attempt: 1, idempotent, priority: priorityOf(headers['x-priority']) },
    });
    const expiry = new Expiry(call, requestMs);
    this.#expiries.add(expiry, nowMs);
    const leaves = this.inFlight.begin(name);
    this.#told.add(stopping);
    const ended = (): void => {
      this.#told.delete(stopping);
      this.#expiries.remove(expiry);
      leaves();
    };
    return {
      call,
      ended,
      gone: () => {
        call.abort(new Error('the client has gone'));
        ended();
      },
    };
  }

  /** Null: no such question, and the request is one of the service's own. Never waits longer than `checkTimeoutMs`, but for `metrics`. */
  probe(path: string): Promise<ProbeAnswer> | null {
    switch (path) {
      case '/livez':
        return said(200, { status: 'alive', state: this.state });
      case '/ready':
      case '/readyz':
        return said(this.#life.readyStatus(), { status: this.state === 'serving' ? 'ready' : this.state });
      case '/startupz':
        return said(this.#life.started ? 200 : 503, { status: this.#life.started ? 'started' : 'starting' });
      case '/healthz':
        return this.#checks.all().then(({ ok, checks }) => said(ok ? 200 : 503, { status: ok ? 'ok' : 'failing', checks }));
      case '/metrics':
        return this.#metrics();
      default:
        return null;
    }
  }

  /** Drains, once: who asks again gets the same end. Never rejects. */
  stop(): Promise<DrainResult> {
    return (this.#stopping ??= this.#drained());
  }

  /** SIGTERM and SIGINT stop it and end the process: 0, or 1 when it could not wait for all. */
  stopOnSignals(): void {
    const stop = async (signal: NodeJS.Signals): Promise<void> => {
      if (this.#stopping !== null) return;
      this.#options.log?.info({ signal, inFlight: this.inFlight.count() }, 'stopping');
      const { exitCode } = await this.stop();
      process.exit(exitCode);
    };
    process.on('SIGTERM', (signal) => void stop(signal));
    process.on('SIGINT', (signal) => void stop(signal));
  }

  async #drained(): Promise<DrainResult> {
    const { close = () => Promise.resolve(), log } = this.#options;
    const steps = {
      refuseReadiness: () => {
        this.#life.stop();
        for (const stopping of this.#told) stopping();
      },
      closeListener: () => {
        for (const server of this.#servers) server.close();
      },
      inFlight: () => this.inFlight.names(),
      whenIdle: () => this.inFlight.whenIdle(),
      closePools: close,
    };
    const result = await drain(steps, this.#times, this.#clock);
    if (result.exitCode === 0) log?.info({}, 'stopped');
    else log?.error({ stillRunning: result.stillRunning }, `not finished within ${this.#times.stopMs} ms`);
    return result;
  }

  async #metrics(): Promise<ProbeAnswer> {
    if (this.#options.metrics === undefined) return said(404, { error: 'not_found', message: 'There are no metrics.' });
    const { text, contentType } = await this.#options.metrics();
    return { status: 200, contentType, body: text };
  }
}

class Expiry extends Expiring {
  readonly #call: CallContext;
  readonly #ms: number;

  constructor(call: CallContext, ms: number) {
    super();
    this.#call = call;
    this.#ms = ms;
  }

  override expire(): void {
    this.#call.abort(new PolicyError('E_DEADLINE', `request of ${this.#ms} ms`));
  }
}

/** What a gateway or a caller says of it; 'normal' for what it cannot be. */
function priorityOf(header: string | string[] | undefined): Priority {
  return PRIORITIES.find((priority) => priority === header) ?? 'normal';
}

const said = async (status: number, body: object): Promise<ProbeAnswer> => ({
  ...{ status, contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) },
});

/** @throws RangeError that names the option. */
export function createLifecycle(options: LifecycleOptions = {}): Lifecycle {
  return new Lifecycle(options, process.env);
}
