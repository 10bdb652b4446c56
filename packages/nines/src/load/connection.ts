/** One TCP connection that carries one request at a time, and says exactly how each exchange ended. */
import { connect, type Socket } from 'node:net';
import type { FailureCause } from './contract.ts';
import { type HttpAnswer, ResponseReader } from './http-response.ts';

export interface Target {
  host: string;
  port: number;
}

export type ExchangeEnd = { kind: 'answer'; answer: HttpAnswer } | { kind: 'failure'; cause: FailureCause; sent: boolean };

export class Connection {
  alive = true;
  readonly #socket: Socket;
  readonly #onDead: (connection: Connection) => void;
  #reader = new ResponseReader();
  #request: Buffer | null = null;
  #onEnd: ((end: ExchangeEnd) => void) | null = null;
  #connected = false;
  #sent = false;
  #served = 0;

  constructor(target: Target, onDead: (connection: Connection) => void) {
    this.#onDead = onDead;
    this.#socket = connect({ host: target.host, port: target.port, noDelay: true });
    this.#socket.on('connect', () => {
      this.#connected = true;
      this.#write();
    });
    this.#socket.on('data', (piece: Buffer) => this.#read(piece));
    this.#socket.on('end', () => this.#serverEnded());
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(this.#connected ? 'reset' : connectCause(error)));
    this.#socket.on('close', () => this.#fail('reset'));
  }

  /** Requests answered on it so far; 0: what is sent now opens it. */
  get served(): number {
    return this.#served;
  }

  /** `onEnd` is called exactly once, never from within this call. The connection must be idle and alive. */
  exchange(request: Buffer, onEnd: (end: ExchangeEnd) => void): void {
    if (this.#onEnd !== null) throw new Error('the connection already carries a request');
    this.#request = request;
    this.#onEnd = onEnd;
    this.#sent = false;
    this.#write();
  }

  /** Ends it at once; a running exchange ends as a timeout. */
  abandon(): void {
    this.#fail('timeout');
  }

  #write(): void {
    if (!this.#connected || this.#request === null) return;
    this.#socket.write(this.#request);
    this.#request = null;
    this.#sent = true;
  }

  #read(piece: Buffer): void {
    try {
      const answer = this.#reader.push(piece);
      if (answer !== null) this.#finish(answer);
    } catch {
      this.#fail('unusable');
    }
  }

  #serverEnded(): void {
    const answer = this.#reader.end();
    if (answer === null) this.#fail('reset');
    else this.#finish(answer);
  }

  #finish(answer: HttpAnswer): void {
    const onEnd = this.#onEnd;
    this.#onEnd = null;
    this.#served += 1;
    // Bytes nobody asked for: the connection is out of step.
    if (onEnd === null || !answer.keepAlive) this.#close();
    onEnd?.({ kind: 'answer', answer });
  }

  #fail(cause: FailureCause): void {
    if (!this.alive) return;
    const onEnd = this.#onEnd;
    this.#onEnd = null;
    this.#close();
    onEnd?.({ kind: 'failure', cause, sent: this.#sent });
  }

  #close(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#socket.destroy();
    this.#onDead(this);
  }
}

function connectCause(error: NodeJS.ErrnoException): FailureCause {
  return error.code === 'ECONNREFUSED' ? 'refused' : error.code === 'ECONNRESET' ? 'reset' : 'unreachable';
}
