/** The agent's own way into its PostgreSQL: the superuser over the unix socket, which takes no other network path. */
import { Socket } from 'node:net';
import pg from 'pg';
import type { UnitContext } from '../engine.ts';
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
}

export class LocalConnection {
  readonly #client: pg.Client;
  readonly #socket = new Socket();
  #connected: Promise<unknown> | null = null;

  constructor(options: ConnectionOptions) {
    this.#client = new pg.Client({
      host: options.socketDir,
      port: options.port,
      user: 'postgres',
      database: options.database,
      password: options.password,
      ssl: false,
      application_name: 'nines-agent',
      connectionTimeoutMillis: options.timeoutMs,
      query_timeout: options.timeoutMs,
      stream: () => this.#socket,
    });
    // A server that goes away between two queries: the next query rejects and says so.
    this.#client.on('error', () => undefined);
  }

  /** Connects at the first call. Rejects when the server is down, refuses, or does not answer in time. */
  async query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    this.#connected ??= this.#client.connect();
    await this.#connected;
    return (await this.#client.query<Row & pg.QueryResultRow>(text, values)).rows;
  }

  /** Never waits for a frozen server: the socket is closed at once. */
  close(): void {
    this.#socket.destroy();
  }
}

/** To the unit's own server. */
export function localConnection(context: UnitContext, database: string, timeoutMs: number): LocalConnection {
  const { member } = membershipOf(context.spec, context.unit);
  const { socketDir } = postgresLayout(context);
  return new LocalConnection({ socketDir, port: member.port, database, password: postgresPassword(context, 'postgres'), timeoutMs });
}
