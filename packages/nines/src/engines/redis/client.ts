/**
 * A Redis client of the size that an agent needs: one TLS connection, RESP2, a deadline on everything.
 * Our own, because importing node-redis costs 32 MB of memory in an agent that has 90 MB in all, and because the agent
 * only ever sends a dozen words.
 */
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { encodeCommand, RedisError, type Reply, ReplyReader } from './resp.ts';

export interface RedisClientOptions {
  host: string;
  port: number;
  caFile: string;
  user: string;
  password: string;
  /** Of the connection with its handshake and login, and of each command. */
  timeoutMs: number;
}

/** A server that is there and says nothing: frozen, or behind a cut. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/**
 * Connects at the first command; after any failure it is closed for good and its owner opens a new one, so that
 * a late answer is never taken for the answer to another question.
 */
export class RedisClient {
  readonly #options: RedisClientOptions;
  readonly #reader = new ReplyReader();
  readonly #waiting: Waiting[] = [];
  #socket: TLSSocket | null = null;
  #failure: Error | null = null;
  #answered = false;

  constructor(options: RedisClientOptions) {
    this.#options = options;
  }

  /** Rejects with RedisError when the server refuses, with another error when it cannot be asked. */
  async command(...words: string[]): Promise<Exclude<Reply, RedisError>> {
    this.#open();
    const reply = await this.#send(words);
    if (reply instanceof RedisError) throw reply;
    return reply;
  }

  /** Whether this connection has ever answered. */
  get answered(): boolean {
    return this.#answered;
  }

  close(): void {
    this.#fail(new Error('the client was closed'));
  }

  #open(): void {
    if (this.#socket !== null || this.#failure !== null) return;
    const { host, port, caFile, user, password } = this.#options;
    const socket = connect({ host, port, ca: readFileSync(caFile) });
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error(`${host}:${port} closed the connection`)));
    // Nothing else is answered before it; a refusal ends the connection.
    void this.#send(['AUTH', user, password]).then(
      (reply) => {
        // A loading or refusing server says so to the next command as well; only a wrong login ends it here.
        if (reply instanceof RedisError && reply.message.startsWith('WRONGPASS')) this.#fail(reply);
      },
      () => undefined,
    );
  }

  #send(words: readonly string[]): Promise<Reply> {
    const socket = this.#socket;
    if (socket === null || this.#failure !== null) return Promise.reject(this.#failure ?? new Error('the client is closed'));
    const { host, port, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(new TimeoutError(`${host}:${port} did not answer within ${timeoutMs} ms`)), timeoutMs);
      this.#waiting.push({ resolve, reject, timer });
      socket.write(encodeCommand(words));
    });
  }

  #receive(chunk: Buffer): void {
    let replies: Reply[];
    try {
      replies = this.#reader.push(chunk);
    } catch (error) {
      return this.#fail(error as Error);
    }
    for (const reply of replies) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return this.#fail(new Error('an answer without a question'));
      clearTimeout(waiting.timer);
      this.#answered = true;
      waiting.resolve(reply);
    }
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#socket?.destroy();
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer);
      reject(error);
    }
  }
}
