/** One client of the group in this process, that writes all the time. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FailoverAgents } from './failover-agents.ts';

/** Writes one row after the other to whoever leads; every acknowledged number is kept. */
export class FailoverWriter {
  readonly acknowledged: number[] = [];
  longestGapMs = 0;
  readonly #agents: FailoverAgents;
  #stopped = false;
  #lastMs = performance.now();
  #done: Promise<void> = Promise.resolve();
  /** Numbers below were sent, or are about to be. */
  next = 1;

  constructor(agents: FailoverAgents) {
    this.#agents = agents;
  }

  start(): this {
    this.#lastMs = performance.now();
    this.#done = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  /** The longest time without an acknowledgement since the last call. */
  takeGapMs(): number {
    const gapMs = Math.round(this.longestGapMs);
    this.longestGapMs = 0;
    return gapMs;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const leader = this.#agents.leader();
      if (leader !== null) await this.#session(leader);
      await delay(5);
    }
  }

  async #session(leader: string): Promise<void> {
    const client = this.#agents.client(leader);
    try {
      await client.connect();
      let warned = false;
      client.on('notice', () => {
        warned = true;
      });
      while (!this.#stopped && this.#agents.leader() === leader) {
        const number = this.next++;
        await client.query('insert into written values ($1)', [number]);
        // A wait for standbys that was cut short reports success with a warning: nobody promised anything.
        if (warned) throw new Error('a warning came with the answer');
        this.acknowledged.push(number);
        const nowMs = performance.now();
        this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.#lastMs);
        this.#lastMs = nowMs;
        await delay(5);
      }
    } catch {
      // The leader died or was replaced: the number is not counted as acknowledged.
    } finally {
      void client.end().catch(() => undefined);
    }
  }
}
