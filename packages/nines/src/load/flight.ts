/** One request from due to done: its attempts, its deadline, its one retry. Time comes in by `tick`. */
import type { Connection, ExchangeEnd } from './connection.ts';
import { type AttemptEnd, type AttemptPlan, causeOf, classOf, classOfAll, isRetried } from './contract.ts';
import type { ConnectionPool } from './pool.ts';
import type { RequestRecord } from './record.ts';
import type { PlannedRequest } from './scenario.ts';

export interface FlightOptions {
  index: number;
  dueMs: number;
  request: PlannedRequest;
  plan: AttemptPlan;
  /** The first attempt opens a connection of its own. */
  fresh: boolean;
  pool: ConnectionPool;
  clock: () => number;
  onDone(record: RequestRecord): void;
}

export class Flight {
  readonly #options: FlightOptions;
  readonly #ends: AttemptEnd[] = [];
  #connection: Connection | null = null;
  #attempts = 0;
  #sentMs = 0;
  #usedConnection: 'new' | 'kept' | null = null;
  #instance: string | null = null;
  #value: string | null;
  #done = false;

  constructor(options: FlightOptions) {
    this.#options = options;
    this.#value = options.request.value;
  }

  get dueMs(): number {
    return this.#options.dueMs;
  }

  start(): void {
    this.#sentMs = this.#options.clock();
    this.#attempt(this.#options.fresh);
  }

  /** To be called every few milliseconds: ends attempts whose time is over and starts the retry when it is due. */
  tick(nowMs: number): void {
    if (this.#done) return;
    const { plan, dueMs } = this.#options;
    const ageMs = nowMs - dueMs;
    if (ageMs >= plan.deadlineMs) {
      if (this.#connection === null) this.#finish();
      else this.#connection.abandon();
      return;
    }
    if (this.#attempts !== 1 || plan.retryAtMs === null || ageMs < plan.retryAtMs) return;
    // Without an answer so far the first attempt has had its share; abandoning it leaves its end in #ends.
    if (this.#connection !== null) this.#connection.abandon();
    else this.#attempt(true);
  }

  #attempt(fresh: boolean): void {
    const connection = this.#options.pool.take(fresh);
    if (connection === null) {
      this.#ends.push({ kind: 'failure', cause: 'capped', sent: false });
      this.#finish();
      return;
    }
    this.#attempts += 1;
    this.#connection = connection;
    this.#usedConnection = connection.served === 0 ? 'new' : 'kept';
    connection.exchange(this.#options.request.bytes, (end) => {
      this.#connection = null;
      this.#ended(this.#judge(end), connection);
    });
  }

  #judge(end: ExchangeEnd): AttemptEnd {
    if (end.kind === 'failure') return end;
    // Right, but too late to count, though no tick has come in between.
    if (this.#ageMs() > this.#options.plan.deadlineMs) return { kind: 'failure', cause: 'timeout', sent: true };
    const { answer } = end;
    this.#instance = answer.headers.get('x-instance') ?? null;
    const result: AttemptEnd = { kind: 'answer', status: answer.status };
    if (classOf(result) !== 'ok') return result;
    const accepted = this.#options.request.accept(answer);
    if (accepted === 'unusable') return { kind: 'failure', cause: 'unusable', sent: true };
    this.#value = accepted.value;
    return result;
  }

  #ended(end: AttemptEnd, connection: Connection): void {
    this.#ends.push(end);
    this.#options.pool.keep(connection);
    const { plan } = this.#options;
    const ageMs = this.#ageMs();
    if (this.#attempts > 1 || plan.retryAtMs === null || !isRetried(end) || ageMs >= plan.deadlineMs) this.#finish();
    else if (ageMs >= plan.retryAtMs) this.#attempt(true);
  }

  #ageMs(): number {
    return this.#options.clock() - this.#options.dueMs;
  }

  #finish(): void {
    this.#done = true;
    const { index, dueMs, request, clock, onDone } = this.#options;
    const last = this.#ends.at(-1);
    onDone({
      index,
      dueMs,
      sentMs: this.#sentMs,
      doneMs: clock(),
      process: request.process,
      f: request.f,
      key: request.key,
      value: this.#value,
      status: last?.kind === 'answer' ? last.status : null,
      class: classOfAll(this.#ends),
      attempts: this.#attempts,
      causes: this.#ends.filter((end) => classOf(end) !== 'ok').map(causeOf),
      connection: this.#usedConnection,
      instance: this.#instance,
    });
  }
}
