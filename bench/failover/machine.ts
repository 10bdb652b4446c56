/** What the machine had to give during a run, by its kernel's account: on a machine without an idle core every step takes as long as that is so. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { monotonicMs } from './writers/protocol.ts';

const EVERY_MS = 20;
/** Some 30 ms on a core of 2024. */
const WORK_BYTES = 48 << 20;

interface Look {
  atMs: number;
  /** Ticks of all cores since the start. */
  total: number;
  idle: number;
  steal: number;
}

export interface MachineShares {
  /** Of all cores' time: nobody wanted it. */
  idle: number;
  /** Of all cores' time: another machine of the same host had it. */
  steal: number;
}

export class MachineWatch {
  readonly #looks: Look[] = [look()];
  readonly #timer = setInterval(() => void this.#looks.push(look()), EVERY_MS);

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Between the last look before the one moment and the first after the other; both of the monotonic clock. */
  shares({ fromMs, toMs }: { fromMs: number; toMs: number }): MachineShares {
    const before = this.#looks.findLast(({ atMs }) => atMs <= fromMs) ?? this.#looks[0];
    const after = this.#looks.find(({ atMs }) => atMs >= toMs) ?? this.#looks.at(-1);
    if (before === undefined || after === undefined || after.total <= before.total) return { idle: 0, steal: 0 };
    const share = (part: 'idle' | 'steal') => Math.round(((after[part] - before[part]) / (after.total - before.total)) * 100) / 100;
    return { idle: share('idle'), steal: share('steal') };
  }
}

/** Milliseconds of one core for a fixed piece of work, on a machine that has nothing else to do: how fast it is now. */
export function workMs(): number {
  const block = Buffer.alloc(WORK_BYTES);
  const startedMs = monotonicMs();
  createHash('sha256').update(block).digest();
  return Math.round((monotonicMs() - startedMs) * 10) / 10;
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks. */
function look(): Look {
  const ticks = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/).slice(1, 9).map(Number) ?? [];
  const [, , , idle = 0, iowait = 0, , , steal = 0] = ticks;
  return { atMs: monotonicMs(), total: ticks.reduce((sum, each) => sum + each, 0), idle: idle + iowait, steal };
}
