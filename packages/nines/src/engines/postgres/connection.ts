/** The agent's own way into its PostgreSQL: the superuser over the unix socket, which takes no other network path. */
import { Socket } from 'node:net';
import pg from 'pg';
import type { UnitContext } from '../engine.ts';
import { atDeadline } from './at-deadline.ts';
import { membershipOf } from './group.ts';
import { postgresLayout } from './layout.ts';
import { postgresPassword } from './plan.ts';

export interface ConnectionOptions {
  socketDir: string;
  port: number;
  database: string;
  password: string;
  /** Of the connection attempt, and of each query. A frozen server answers neither. */
  timeoutMs: number;
  /** Of each query, when it is another; 0: none, the caller has a deadline of its own. */
  queryTimeoutMs?: number;
  /** Of this session; the server's own when absent. */
  synchronousCommit?: 'on' | 'local';
}

/** Others may be several statements at once, which cannot be prepared, or hold a secret. */
const QUESTION = /^\s*select\b/;

export class LocalConnection {
  readonly #client: pg.Client;
  readonly #socket = new Socket();
  readonly #queryTimeoutMs: number;
  readonly #prepared = new Map<string, string>();
  #connected: Promise<unknown> | null = null;

  constructor(options: ConnectionOptions) {
    this.#queryTimeoutMs = options.queryTimeoutMs ?? options.timeoutMs;
    this.#client = new pg.Client({
      host: options.socketDir,
      port: options.port,
      user: 'postgres',
      database: options.database,
      password: options.password,
      ssl: false,
      application_name: 'nines-agent',
      ...(options.synchronousCommit === undefined ? {} : { options: `-c synchronous_commit=${options.synchronousCommit}` }),
      connectionTimeoutMillis: options.timeoutMs,
      stream: () => this.#socket,
    });
    // A server that goes away between two queries: the next query rejects and says so.
    this.#client.on('error', () => undefined);
  }

  /** Connects at the first call. Rejects when the server is down, refuses, or does not answer in time. */
  async query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    this.#connected ??= this.#client.connect();
    await this.#connected;
    return (await this.#inTime(this.#client.query<Row & pg.QueryResultRow>(this.#query(text, values)))).rows;
  }

  /** What is asked again and again is planned once: for the server's own views that takes longer than the answer. */
  #query(text: string, values: unknown[]): pg.QueryConfig {
    if (values.length > 0 || !QUESTION.test(text)) return { text, values };
    const name = this.#prepared.get(text);
    if (name === undefined) this.#prepared.set(text, `question_${this.#prepared.size}`);
    return name === undefined ? { text } : { text, name };
  }

  async #inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    if (this.#queryTimeoutMs === 0) return await answer;
    const late = Promise.withResolvers<never>();
    const takeBack = atDeadline(this.#queryTimeoutMs, () => late.reject(new Error(`no answer within ${this.#queryTimeoutMs} ms`)));
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      takeBack();
    }
  }

  /** Of every warning or notice that comes with an answer. */
  onNotice(listener: (notice: { code: string | undefined; message: string | undefined }) => void): void {
    this.#client.on('notice', ({ code, message }) => listener({ code, message }));
  }

  /** Never waits for a frozen server: the socket is closed at once. */
  close(): void {
    this.#socket.destroy();
  }
}

export type SessionOptions = Pick<ConnectionOptions, 'queryTimeoutMs' | 'synchronousCommit'>;

/** To the unit's own server. */
export function localConnection(context: UnitContext, database: string, timeoutMs: number, more: SessionOptions = {}): LocalConnection {
  const { member } = membershipOf(context.spec, context.unit);
  const { socketDir } = postgresLayout(context);
  const password = postgresPassword(context, 'postgres');
  return new LocalConnection({
    socketDir,
    port: member.port,
    database,
    password,
    timeoutMs,
    ...more,
  });
}

/** A new connection for one use: closed when that ends, and by the signal, so that nobody waits for a frozen server. */
export async function withConnection<Result>(
  context: UnitContext,
  limits: { timeoutMs: number; signal: AbortSignal; database?: string } & SessionOptions,
  use: (connection: LocalConnection) => Promise<Result>,
): Promise<Result> {
  const { timeoutMs, signal, database = 'postgres', ...more } = limits;
  signal.throwIfAborted();
  const connection = localConnection(context, database, timeoutMs, more);
  const close = () => connection.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    return await use(connection);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}
