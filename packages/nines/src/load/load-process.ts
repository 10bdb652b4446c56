/** The driver's side of a load process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ERRORS, type ErrorCode, NinesError } from '../errors/errors.ts';
import { lineSplitter, type LoadCommand, type LoadEvent, type LoadSettings, type LoadSummary, type LoadTick } from './protocol.ts';

const MAIN = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? 'main.ts' : 'main.js', import.meta.url));

export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  #originNs: bigint | null = null;
  #tick: LoadTick | null = null;
  #summary: LoadSummary | null = null;
  #failure: NinesError | null = null;
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on(
      'data',
      lineSplitter((line) => this.#hear(JSON.parse(line) as LoadEvent)),
    );
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    child.stdin?.on('error', () => undefined); // It ended: 'exit' says why.
    child.on('error', (error) => this.#end(`it could not be started: ${error.message}`));
    child.on('exit', (code, signal) => this.#end(`it ended (${signal ?? code}). ${this.#stderr}`.trim()));
  }

  /** Resolves when the load runs: its preparation was answered well, and its clock started. */
  static async start(settings: LoadSettings, signal: AbortSignal): Promise<LoadProcess> {
    // A session of its own: it goes before others, the user's shell does not, and a Ctrl-C does not reach it: the driver says stop.
    const child = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const load = new LoadProcess(child);
    try {
      load.#say({ do: 'start', settings });
      await load.#until(() => load.#originNs, signal);
    } catch (error) {
      await load.kill();
      throw error;
    }
    return load;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get latest(): LoadTick | null {
    return this.#tick;
  }

  /** It failed or was killed: nothing more will come of it. */
  get ended(): boolean {
    return this.#failure !== null;
  }

  /** Calls back after every message; returns what ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A moment of `process.hrtime` on the run's clock. */
  toMs(atNs: bigint): number {
    return Number(atNs - (this.#originNs as bigint)) / 1e6;
  }

  nowMs(): number {
    return this.toMs(process.hrtime.bigint());
  }

  /** Writes a mark into the history. */
  mark(name: string, atMs: number): void {
    this.#say({ do: 'mark', name, atMs });
  }

  /** Resolves with the first tick of which `isSo` is true; rejects at the signal, or when the process ends. */
  async tickWhen(isSo: (tick: LoadTick) => boolean, signal: AbortSignal): Promise<LoadTick> {
    return this.#until(() => (this.#tick !== null && isSo(this.#tick) ? this.#tick : null), signal);
  }

  /** Issues nothing more, waits for what is under way, closes the history. */
  async stop(signal: AbortSignal): Promise<LoadSummary> {
    this.#say({ do: 'stop' });
    return this.#until(() => this.#summary, signal);
  }

  /** Closes its standard input, as the death of the driver does: it ends by itself. */
  disconnect(): void {
    this.#child.stdin?.destroy();
  }

  /** Ends it at once; resolves when it is gone. Safe at any time. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #say(command: LoadCommand): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  #hear(message: LoadEvent): void {
    if (message.event === 'started') this.#originNs = BigInt(message.originNs);
    else if (message.event === 'tick') this.#tick = message.tick;
    else if (message.event === 'stopped') this.#summary = message.summary;
    else this.#failure = new NinesError(message.code in ERRORS ? (message.code as ErrorCode) : 'E_UNREACHABLE', message.message);
    this.#tell();
  }

  #end(why: string): void {
    this.#failure ??= new NinesError('E_UNREACHABLE', `the load process failed: ${why}`);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #until<T>(look: () => T | null, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#listeners.delete(check);
        signal.removeEventListener('abort', check);
        act();
      };
      const check = () => {
        const found = look();
        const failure = this.#failure;
        if (found !== null) settle(() => resolve(found));
        else if (failure !== null) settle(() => reject(failure));
        else if (signal.aborted) settle(() => reject(signal.reason as Error));
      };
      this.#listeners.add(check);
      signal.addEventListener('abort', check, { once: true });
      check();
    });
  }
}
