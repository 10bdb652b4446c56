/**
 * What a long command is doing. On a terminal the running steps stand below the finished ones, with the time they
 * have taken so far; in a pipe every step is one plain line when it starts and one when it ends.
 */
import { duration } from './duration.ts';
import { style } from './style.ts';

/** The part of a stream that progress needs; `process.stderr` in the commands, so that stdout stays for results. */
export interface ProgressStream {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
}

export interface ProgressOptions {
  stream?: ProgressStream;
  env?: NodeJS.ProcessEnv;
  /** Milliseconds; monotonic. */
  now?: () => number;
}

export interface Step {
  /** Replaces the detail beside a running step (a count, a unit's name). Shown on a terminal only. */
  update(detail: string): void;
  done(detail?: string): void;
  failed(detail: string): void;
}

interface RunningStep {
  name: string;
  detail: string;
  startedAt: number;
}

const REDRAW_MS = 100;

export class Progress {
  readonly #stream: ProgressStream;
  readonly #env: NodeJS.ProcessEnv;
  readonly #now: () => number;
  readonly #running = new Set<RunningStep>();
  #drawnLines = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ProgressOptions = {}) {
    this.#stream = options.stream ?? process.stderr;
    this.#env = options.env ?? process.env;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Starts a step. Several may run at once; each ends by `done` or `failed`, once. */
  step(name: string): Step {
    const running: RunningStep = { name, detail: '', startedAt: this.#now() };
    this.#running.add(running);
    if (this.#isLive()) this.#redraw();
    else this.#stream.write(`${name} ...\n`);
    return {
      update: (detail) => {
        running.detail = detail;
        if (this.#isLive()) this.#redraw();
      },
      done: (detail) => this.#end(running, 'done', detail ?? ''),
      failed: (detail) => this.#end(running, 'failed', detail),
    };
  }

  /** A line of its own, above the running steps. */
  note(text: string): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    if (this.#isLive()) this.#redraw();
  }

  /** Stops redrawing and takes the running steps off the screen. For the end of a command, also a failed one. */
  close(): void {
    this.#erase();
    this.#running.clear();
    this.#stopTimer();
  }

  #isLive(): boolean {
    return this.#stream.isTTY === true && this.#env['TERM'] !== 'dumb';
  }

  #end(running: RunningStep, outcome: 'done' | 'failed', detail: string): void {
    if (!this.#running.delete(running)) return; // Ended already: the first word counts.
    const colours = style(this.#stream, this.#env);
    const word = outcome === 'done' ? colours.green('ok') : colours.red('FAILED');
    const took = duration(this.#now() - running.startedAt);
    this.#erase();
    this.#stream.write(`${word} ${running.name} (${took})${detail === '' ? '' : `: ${detail}`}\n`);
    if (this.#isLive()) this.#redraw();
  }

  #redraw(): void {
    this.#erase();
    if (this.#running.size === 0) return this.#stopTimer();
    const colours = style(this.#stream, this.#env);
    const width = this.#stream.columns ?? 80;
    for (const { name, detail, startedAt } of this.#running) {
      const line = `.. ${name} ${duration(this.#now() - startedAt)}${detail === '' ? '' : `  ${detail}`}`;
      this.#stream.write(`${colours.dim(line.slice(0, width - 1))}\n`);
      this.#drawnLines += 1;
    }
    // unref: a command that forgot to close its progress can still end.
    this.#timer ??= setInterval(() => this.#redraw(), REDRAW_MS).unref();
  }

  #erase(): void {
    if (this.#drawnLines === 0) return;
    this.#stream.write(`\u001b[${this.#drawnLines}A\u001b[0J`);
    this.#drawnLines = 0;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
