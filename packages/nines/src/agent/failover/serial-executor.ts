/** One command of PostgreSQL at a time, each with an answer. Pauses before what has failed is tried again are the control's. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresControl } from '../../engines/postgres/control.ts';
import type { PostgresCommand } from '../../failover/commands.ts';
import type { PostgresEvent } from '../../failover/events.ts';
import { messageOf } from '../message-of.ts';

const LOOK_AGAIN_MS = 500;

export interface ExecutorOptions {
  control: Pick<PostgresControl, 'execute' | 'boot'>;
  /** Ends what runs: the agent goes, or the unit. */
  signal: AbortSignal;
  log(message: string): void;
}

export class SerialExecutor {
  readonly #options: ExecutorOptions;
  #running: PostgresCommand | null = null;
  #abandon = new AbortController();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  get running(): PostgresCommand | null {
    return this.#running;
  }

  /** Rejects by the signal, and when another one runs: the core never asks for that. */
  async run(command: PostgresCommand): Promise<PostgresEvent> {
    if (this.#running !== null) throw new Error(`${command.kind} was ordered while ${this.#running.kind} runs`);
    this.#running = command;
    try {
      return await this.#execute(command);
    } finally {
      this.#running = null;
    }
  }

  /** Ends a command whose purpose is gone (a copy of a leader that leads no more); it answers with what is there then. */
  abandon(reason: string): void {
    this.#abandon.abort(new Error(reason));
  }

  async #execute(command: PostgresCommand): Promise<PostgresEvent> {
    const { control, signal, log } = this.#options;
    // Not every command has something to wait for, and looks at it by itself.
    signal.throwIfAborted();
    this.#abandon = new AbortController();
    try {
      return await control.execute(command, AbortSignal.any([signal, this.#abandon.signal]));
    } catch (error) {
      signal.throwIfAborted();
      // Nothing is known of how far it got: what is there is looked at as an agent does that starts.
      log(`${command.kind} ended early: ${messageOf(error)}`);
      const { postgres, promise, taint } = await this.#found();
      return { kind: 'failed', postgres, promise, taint };
    }
  }

  async #found(): ReturnType<PostgresControl['boot']> {
    const { control, signal, log } = this.#options;
    for (;;) {
      try {
        return await control.boot(signal);
      } catch (error) {
        signal.throwIfAborted();
        log(`what is there cannot be seen: ${messageOf(error)}`);
        await delay(LOOK_AGAIN_MS, undefined, { signal, ref: false });
      }
    }
  }
}
