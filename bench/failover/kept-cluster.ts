/** The cluster that runs share: kept while the system stays the same and is whole, else made anew. */
import type { Combination } from './matrix.ts';
import type { RunningSystem, System, SystemName } from './system.ts';

export interface KeptClusterOptions {
  systems: Record<SystemName, System>;
  labName: string;
  signal: AbortSignal;
}

export class KeptCluster {
  readonly #options: KeptClusterOptions;
  #kept: { name: SystemName; running: RunningSystem } | null = null;

  constructor(options: KeptClusterOptions) {
    this.#options = options;
  }

  /** Whole, with its primary where the combination wants it. */
  async for({ system, gateway }: Combination): Promise<RunningSystem> {
    const { systems, labName, signal } = this.#options;
    if (this.#kept !== null && this.#kept.name !== system) await this.close();
    if (this.#kept !== null) {
      try {
        await this.#kept.running.place(gateway, signal);
        return this.#kept.running;
      } catch {
        signal.throwIfAborted();
        await this.close();
      }
    }
    const running = await systems[system].start({ labName, gateway, signal });
    this.#kept = { name: system, running };
    return running;
  }

  /** Takes it down, if there is one. */
  async close(): Promise<void> {
    const kept = this.#kept;
    this.#kept = null;
    await kept?.running.stop();
  }
}
