/** What engines may use: tools with deadlines, a log line, clients that stay open between observations. */
import type { EngineIo, FirstTime, RunOptions } from '../engines/engine.ts';
import { run } from './run.ts';

interface Closable {
  close(): void | Promise<void>;
}

/** Clients of one unit, open until the unit goes away. */
export class KeptClients {
  readonly #clients = new Map<string, Closable>();

  keep<T extends Closable>(key: string, open: () => T): T {
    const known = this.#clients.get(key);
    if (known !== undefined) return known as T;
    const opened = open();
    this.#clients.set(key, opened);
    return opened;
  }

  drop(key: string): void {
    const client = this.#clients.get(key);
    if (client === undefined) return;
    this.#clients.delete(key);
    // A client that fails to close is of no more use to anybody; its socket ends with it.
    void (async () => client.close())().catch(() => undefined);
  }

  dropAll(): void {
    for (const key of [...this.#clients.keys()]) this.drop(key);
  }
}

export interface IoSurroundings {
  clients: KeptClients;
  firstTime: FirstTime;
  log(message: string): void;
}

export function engineIo({ clients, firstTime, log }: IoSurroundings, signal: AbortSignal): EngineIo {
  return {
    signal,
    firstTime,
    log,
    run: (argv: string[], options: RunOptions = {}) =>
      run(argv, { ...options, signal: options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]) }),
    keep: (key, open) => clients.keep(key, open),
    drop: (key) => clients.drop(key),
  };
}
