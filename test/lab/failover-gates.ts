/** Single steps of one agent among several, held where they are, answered falsely, or cut from etcd. */
import type { PostgresControl } from '../../packages/nines/src/engines/postgres/control.ts';
import type { PostgresCommand } from '../../packages/nines/src/failover/commands.ts';
import type { GroupRecord } from '../../packages/nines/src/failover/record.ts';
import { StoreUnavailableError, StoreUnknownError } from '../../packages/nines/src/store/store-errors.ts';
import type { Store } from '../../packages/nines/src/store/store.ts';

export interface Gate {
  /** The step has come to the gate. */
  reached: Promise<void>;
  isReached(): boolean;
  open(): void;
}

type Step = { host: string; fits(what: PostgresCommand | GroupRecord): boolean; come(): void; opened: Promise<void> };

/** How a swap ends for the agent that asked for it. */
type Falsehood = { host: string; phase: GroupRecord['phase']; happens: 'at once' | 'late' | 'never' };

export class FailoverGates {
  /** Hosts whose agent does not reach etcd. */
  readonly withoutStore = new Set<string>();
  readonly #steps: Step[] = [];
  readonly #falsehoods: Falsehood[] = [];
  /** Swaps that were reported as unknown and have not happened yet. */
  readonly #late: (() => Promise<unknown>)[] = [];

  /** The next such command of that host waits before it is carried out, until `open`. */
  holdCommand(host: string, kind: PostgresCommand['kind']): Gate {
    return this.#hold(host, (what) => 'kind' in what && what.kind === kind);
  }

  /** The next swap of that host into this phase waits before etcd is asked. */
  holdSwap(host: string, phase: GroupRecord['phase']): Gate {
    return this.#hold(host, (what) => 'phase' in what && what.phase === phase);
  }

  /** The next swap of that host into this phase has no answer. */
  loseAnswer(host: string, phase: GroupRecord['phase'], happens: Falsehood['happens']): void {
    this.#falsehoods.push({ host, phase, happens });
  }

  /** What was to happen late happens now. @returns how many swaps took effect */
  async happenLate(): Promise<number> {
    const outcomes = await Promise.all(this.#late.splice(0).map((swap) => swap()));
    return outcomes.filter((outcome) => (outcome as { ok: boolean }).ok).length;
  }

  /** What was not come to is held no more. */
  clear(): void {
    this.#steps.length = 0;
    this.#falsehoods.length = 0;
    this.#late.length = 0;
    this.withoutStore.clear();
  }

  control(host: string, real: PostgresControl): PostgresControl {
    return {
      hasData: () => real.hasData(),
      initialise: (signal) => real.initialise(signal),
      clone: (leader, signal) => real.clone(leader, signal),
      boot: (signal) => real.boot(signal),
      execute: async (command, signal) => {
        await this.#pass(host, command, signal);
        return await real.execute(command, signal);
      },
      pulse: (deadlineMs) => real.pulse(deadlineMs),
      look: (deadlineMs) => real.look(deadlineMs),
      get isClosing() {
        return real.isClosing;
      },
      close: () => real.close(),
    };
  }

  store(host: string, real: Store): Store {
    const refuse = (): void => {
      if (this.withoutStore.has(host)) throw new StoreUnavailableError(`${host} does not reach etcd`);
    };
    return {
      ...real,
      get: async (key, options) => {
        refuse();
        return await real.get(key, options);
      },
      list: async (prefix, options) => {
        refuse();
        return await real.list(prefix, options);
      },
      compareAndSwap: async (key, expected, value, options) => {
        const phase = (value as Partial<GroupRecord> | null)?.phase;
        if (phase === undefined) return await real.compareAndSwap(key, expected, value, options);
        await this.#pass(host, value as GroupRecord, options?.signal);
        refuse();
        const swap = () => real.compareAndSwap(key, expected, value, { timeoutMs: 2_000 });
        const at = this.#falsehoods.findIndex((each) => each.host === host && each.phase === phase);
        if (at === -1) return await swap();
        const [falsehood] = this.#falsehoods.splice(at, 1);
        if (falsehood?.happens === 'at once') await swap();
        if (falsehood?.happens === 'late') this.#late.push(swap);
        throw new StoreUnknownError('the answer is lost');
      },
    };
  }

  #hold(host: string, fits: Step['fits']): Gate {
    const come = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    let isReached = false;
    const step = {
      ...{ host, fits, opened: opened.promise },
      come: () => {
        isReached = true;
        come.resolve();
      },
    };
    this.#steps.push(step);
    return { reached: come.promise, isReached: () => isReached, open: () => opened.resolve() };
  }

  async #pass(host: string, what: PostgresCommand | GroupRecord, signal: AbortSignal | undefined): Promise<void> {
    const at = this.#steps.findIndex((step) => step.host === host && step.fits(what));
    if (at === -1) return;
    const [step] = this.#steps.splice(at, 1);
    step?.come();
    const ended = Promise.withResolvers<never>();
    const end = (): void => ended.reject(signal?.reason as Error);
    signal?.addEventListener('abort', end, { once: true });
    try {
      await Promise.race([step?.opened, ended.promise]);
    } finally {
      signal?.removeEventListener('abort', end);
    }
  }
}
