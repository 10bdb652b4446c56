/** What every scenario of the failover has to show at its end, whatever was done in between. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { LabGroup } from '../../bench/soak/group.ts';
import { type Course, makeTable, runTrial, type TrialResult } from '../../bench/soak/trial.ts';

const WRITERS = 6;
const WHOLE_LIMIT_MS = 60_000;

export interface Scenario {
  name: string;
  /** Longest time without an acknowledged write that the scenario itself may cost. */
  gapLimitMs: number;
  /** Leaders that came in between. */
  terms: { least: number; most: number };
  play(course: Course): Promise<void>;
}

export class FailoverTrials {
  readonly group: LabGroup;
  #firstWriter = 0;

  private constructor(group: LabGroup) {
    this.group = group;
  }

  static async start(): Promise<FailoverTrials> {
    const signal = AbortSignal.timeout(120_000);
    const group = await LabGroup.start(`test-${randomUUID().slice(0, 6)}`, signal);
    try {
      await makeTable(group, signal);
      return new FailoverTrials(group);
    } catch (error) {
      await group.stop();
      throw error;
    }
  }

  async run({ name, gapLimitMs, terms, play }: Scenario): Promise<TrialResult> {
    const startedMs = Date.now();
    const signal = AbortSignal.timeout(200_000);
    try {
      const options = { group: this.group, firstWriter: this.#firstWriter, writers: WRITERS, wholeLimitMs: WHOLE_LIMIT_MS, signal, play };
      this.#firstWriter += WRITERS;
      const result = await runTrial(options);
      say(name, result);
      expect(result.wholeAfterMs, `not whole again: ${result.missing}`).not.toBeNull();
      expect({ lost: result.lost, phantoms: result.phantoms }).toEqual({ lost: 0, phantoms: 0 });
      expect(result.writable, 'exactly the leader acknowledges a write').toEqual([result.after.host]);
      expect(result.gapMs).toBeLessThan(gapLimitMs);
      expect(result.terms).toBeGreaterThanOrEqual(terms.least);
      expect(result.terms).toBeLessThanOrEqual(terms.most);
      return result;
    } catch (error) {
      const decisions = await this.group.decisions(startedMs, AbortSignal.timeout(5_000)).catch((cause: unknown) => [String(cause)]);
      // What comes after this one is not to fail by it.
      await this.group.whole(WHOLE_LIMIT_MS, AbortSignal.timeout(WHOLE_LIMIT_MS)).catch(() => null);
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}\n${decisions.join('\n')}`, { cause: error });
    }
  }

  async end(): Promise<void> {
    await this.group.stop();
  }
}

function say(name: string, { gapMs, acked, failed, lost, terms, epochs, wholeAfterMs, before, after }: TrialResult): void {
  const moved = before.host === after.host ? `${before.host} still leads` : `${before.host} -> ${after.host}`;
  const figures = `longest gap ${gapMs} ms, ${acked} acked, ${failed} failed, ${lost} lost, ${terms} terms, ${epochs} epochs`;
  process.stderr.write(`failover: ${name}: ${figures}, ${moved}, whole after ${wholeAfterMs} ms\n`);
}
