import { type LocalConnection, localConnection, type SessionOptions } from '../connection.ts';
import type { Member } from '../member.ts';

/** A connection that stays open between uses, to the server that runs now: what was open to an earlier one is not used again. */
export class ServerLine {
  readonly #member: Pick<Member, 'context' | 'server'>;
  readonly #connectMs: number;
  readonly #session: SessionOptions;
  readonly #opened: (connection: LocalConnection) => void;
  #open: { connection: LocalConnection; pid: number | null } | null = null;

  constructor(
    member: Pick<Member, 'context' | 'server'>,
    connectMs: number,
    session: SessionOptions,
    opened: (connection: LocalConnection) => void = () => undefined,
  ) {
    this.#member = member;
    this.#connectMs = connectMs;
    this.#session = session;
    this.#opened = opened;
  }

  connection(): LocalConnection {
    const { context, server } = this.#member;
    if (this.#open !== null && this.#open.pid !== server.pid) this.close();
    if (this.#open === null) {
      const connection = localConnection(context, 'postgres', this.#connectMs, this.#session);
      this.#opened(connection);
      this.#open = { connection, pid: server.pid };
    }
    return this.#open.connection;
  }

  /** After an error: closed, and the next use opens another. */
  drop(connection: LocalConnection): void {
    connection.close();
    if (this.#open?.connection === connection) this.#open = null;
  }

  close(): void {
    if (this.#open !== null) this.drop(this.#open.connection);
  }
}
