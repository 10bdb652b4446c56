/** Who leads now, for everybody who wants to connect; a promise of the next leader for those who have to wait. */
import { AgentStream } from './agent-stream.ts';
import { type Leader, leaderAfter } from './place.ts';

/** Null: what the pool's own options say, because no agent was ever heard. */
export type Target = Leader | null;

export interface WhereaboutsOptions {
  /** Undefined: there is no agent; the target is null from the beginning. */
  socketPath: string | undefined;
  group: string;
  /** How long the agent's first word is waited for before the options' own address is used. */
  agentPatienceMs: number;
  /** The target changed; undefined: nobody leads. */
  onChange(target: Target | undefined): void;
}

export class Whereabouts {
  readonly #stream: AgentStream | null;
  readonly #patience: NodeJS.Timeout | null;
  readonly #onChange: WhereaboutsOptions['onChange'];
  #leader: Leader | null = null;
  #target: Target | undefined;
  #waiting = new Set<() => void>();

  constructor({ socketPath, group, agentPatienceMs, onChange }: WhereaboutsOptions) {
    this.#onChange = onChange;
    if (socketPath === undefined) {
      this.#stream = null;
      this.#patience = null;
      this.#target = null;
      return;
    }
    this.#patience = setTimeout(() => {
      if (this.#leader === null) this.#set(null);
    }, agentPatienceMs);
    this.#stream = new AgentStream({
      socketPath,
      group,
      onPlace: (place) => {
        const before = this.#leader;
        this.#leader = leaderAfter(before, place);
        if (this.#leader === null && before === null) return;
        const moved = this.#leader?.address !== before?.address || this.#leader?.port !== before?.port;
        if (moved) this.#set(this.#leader ?? undefined);
      },
      // What was known stays true until somebody says otherwise: an agent that restarts must not stop the service.
      onAway: () => undefined,
    });
  }

  get target(): Target | undefined {
    return this.#target;
  }

  /** The target, as soon as there is one. Rejects at the deadline (milliseconds of `performance.now`). */
  async known(deadlineMs: number): Promise<Target> {
    while (this.#target === undefined) {
      const waitMs = deadlineMs - performance.now();
      if (waitMs <= 0) throw new Error('nobody leads the PostgreSQL group (timeout)');
      await this.#change(waitMs);
    }
    return this.#target;
  }

  close(): void {
    this.#stream?.close();
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#wake();
  }

  #change(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      this.#waiting.add(done);
    });
  }

  #set(target: Target | undefined): void {
    this.#target = target;
    this.#onChange(target);
    this.#wake();
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
