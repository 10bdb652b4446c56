/** What was decided and why, for people and for a replay: lines of JSON beside the unit's data. It never blocks the driver, nor fails it. */
import { appendFile, rename, stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import type { NodeState } from '../../failover/state.ts';
import { bootLine, stepLine } from '../../failover/transcript.ts';
import { type Decision, ruleName } from './driver.ts';

const MOST_BYTES = 4 * 1024 * 1024;
/** What is shown again after a restart of the agent. */
const MOST_SHOWN = 1_000;
const FLUSH_MS = 100;
/** Lines that wait for a disk; more than that are dropped, and the file begins anew with the state. */
const MOST_WAITING = 5_000;

/** One line of `nines explain --json`. */
export interface ExplainLine {
  atMs: number;
  host: string;
  group: string;
  /** 0: the agent itself, beside the rules. */
  rule: number;
  name: string;
  reason: string;
  held: readonly string[];
  epoch: number | null;
  term: number | null;
  event: string;
  commands: readonly string[];
}

export interface DecisionLogOptions {
  file: string;
  host: string;
  group: string;
  /** Milliseconds since 1970. */
  wallClock(): number;
  log(message: string): void;
}

export class DecisionLog {
  readonly #options: DecisionLogOptions;
  readonly #shown: ExplainLine[];
  #waiting: string[] = [];
  /** Of the file; null while it was not looked at in this life. */
  #bytes: number | null = null;
  #state: NodeState | null = null;
  #lastSaid = '';
  #flushing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failed = false;

  constructor(options: DecisionLogOptions) {
    this.#options = options;
    this.#shown = shownBefore(options);
  }

  boot(state: NodeState): void {
    this.#state = state;
    this.#write(bootLine(this.#options.wallClock(), state));
  }

  /** Left out: what changed nothing and says the same as the decision before it. It replays the same without them. */
  decided({ before, event, step }: Decision): void {
    this.#state = step.state;
    const said = JSON.stringify([step.rule, step.held, step.commands.map(({ kind }) => kind)]);
    // Walls are compared from tick to tick: some rules look at ticks alone.
    const isNews =
      event.kind === 'tick' ? said !== this.#lastSaid && (step.commands.length > 0 || step.held.length > 0) : event.kind === 'request';
    if (event.kind === 'tick') this.#lastSaid = said;
    if (before === step.state && !isNews) return;
    const atMs = this.#options.wallClock();
    const line = this.#explained(atMs, {
      rule: step.rule,
      name: ruleName(step.rule),
      reason: step.reason,
      held: step.held,
      epoch: step.state.view?.record.epoch ?? null,
      term: step.state.view?.record.term ?? null,
      event: event.kind === 'request' ? `request ${event.request.kind}` : event.kind,
      commands: step.commands.map(({ kind }) => kind),
    });
    this.#write(`${stepLine(atMs, event, step).slice(0, -1)},"shown":${JSON.stringify(line)}}`);
  }

  /** What the agent did or waits for beside the rules. Kept in memory alone. */
  note(reason: string): void {
    const { epoch = null, term = null } = this.#state?.view?.record ?? {};
    this.#explained(this.#options.wallClock(), { rule: 0, name: 'agent', reason, held: [], epoch, term, event: 'note', commands: [] });
  }

  /** NDJSON, the oldest first. */
  since(sinceMs: number): string {
    return this.#shown
      .filter(({ atMs }) => atMs >= sinceMs)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join('');
  }

  /** Resolves when what was decided is in the file, or cannot be. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#flushing;
    if (this.#waiting.length === 0) return;
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = null;
    });
    await this.#flushing;
  }

  #explained(atMs: number, line: Omit<ExplainLine, 'atMs' | 'host' | 'group'>): ExplainLine {
    const { host, group } = this.#options;
    const shown = { atMs, host, group, ...line };
    this.#shown.push(shown);
    if (this.#shown.length > MOST_SHOWN) this.#shown.shift();
    return shown;
  }

  #write(line: string): void {
    if (this.#waiting.length >= MOST_WAITING) {
      // What is behind a gap does not replay: it goes on from the state as it is then.
      this.#waiting = this.#state === null ? [] : [bootLine(this.#options.wallClock(), this.#state)];
      return;
    }
    this.#waiting.push(line);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, FLUSH_MS);
    this.#timer.unref();
  }

  async #flush(): Promise<void> {
    const { file, log } = this.#options;
    const lines = this.#waiting;
    const state = this.#state;
    this.#waiting = [];
    try {
      // The last line of an agent that died may be torn: the first of the next one does not continue it.
      const text = `${this.#bytes === null ? '\n' : ''}${lines.join('\n')}\n`;
      this.#bytes ??= await sizeOf(file);
      await appendFile(file, text, { mode: 0o600 });
      this.#bytes += text.length;
      if (this.#bytes > MOST_BYTES) {
        await rename(file, `${file}.1`);
        this.#bytes = 0;
        if (state !== null) this.#waiting.unshift(bootLine(this.#options.wallClock(), state));
      }
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) log(`decisions cannot be written: ${String(error)}`);
      this.#failed = true;
      if (this.#state !== null) this.#waiting = [bootLine(this.#options.wallClock(), this.#state)];
    }
  }
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** A line that does not read is one that was torn when its agent died. */
function shownBefore({ file }: DecisionLogOptions): ExplainLine[] {
  const lines = [`${file}.1`, file].flatMap((name) => {
    try {
      return readFileSync(name, 'utf8').split('\n').slice(-MOST_SHOWN);
    } catch {
      return []; // There is none yet.
    }
  });
  return lines.slice(-MOST_SHOWN).flatMap((line) => {
    try {
      const { shown } = JSON.parse(line) as { shown?: ExplainLine };
      return shown === undefined ? [] : [shown];
    } catch {
      return [];
    }
  });
}
