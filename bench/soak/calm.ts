/** No faults: whatever is suspected is well, and every election is a false one. */
import { setTimeout as delay } from 'node:timers/promises';
import { longestGap } from '../failover/figures.ts';
import { monotonicMs } from '../failover/writers/protocol.ts';
import { startWriters, type Writers } from '../failover/writers/writers.ts';
import type { SoakSurroundings } from './campaign.ts';
import { judge } from './judge.ts';
import type { SoakOptions } from './options.ts';
import { appendSoakRun, type CalmRun } from './soak-log.ts';
import { readIds } from './trial.ts';

/** As fast as they are answered: a machine of two cores has no idle time. */
const FULL_LOAD_WRITERS = 16;
const LOOK_MS = 250;
const REPORT_MS = 60_000;

/** False when an election was held, or an acknowledged write is lost. */
export async function soakCalmly(around: SoakSurroundings, { minutes, mode }: SoakOptions): Promise<boolean> {
  const { group, file, say, signal } = around;
  const writers = mode === 'load' ? startWriters(group.access, { writers: FULL_LOAD_WRITERS, paceMs: 0 }) : null;
  try {
    const fromMs = monotonicMs();
    const watched = await watch(around, fromMs + minutes * 60_000);
    const writes = writers === null ? null : await balance(around, writers, fromMs);
    const kind = mode === 'load' ? 'load' : 'idle';
    const run: CalmRun = { kind, at: new Date().toISOString(), minutes: (monotonicMs() - fromMs) / 60_000, ...watched, writes };
    appendSoakRun(file, run);
    say(calmWords(run));
    return run.elections === 0 && (writes?.lost ?? 0) === 0;
  } finally {
    await writers?.kill();
    signal.throwIfAborted();
  }
}

type Watched = Pick<CalmRun, 'elections' | 'failovers' | 'worstBackMs'>;

async function watch({ group, say, signal }: SoakSurroundings, endMs: number): Promise<Watched> {
  const before = await group.leads(signal, 10_000);
  let now = before;
  let sinceMs: number | null = null;
  let worstBackMs: number | null = null;
  let reportMs = monotonicMs() + REPORT_MS;
  while (monotonicMs() < endMs || sinceMs !== null) {
    const seen = await group.leadership(signal);
    if (seen !== null && seen.epoch > now.epoch) {
      say(`epoch ${now.epoch} -> ${seen.epoch}, term ${now.term} -> ${seen.term}: ${seen.host} leads`);
      now = seen;
      sinceMs ??= monotonicMs();
    }
    if (sinceMs !== null && (await group.running.missing(signal)) === null) {
      worstBackMs = Math.max(worstBackMs ?? 0, Math.round(monotonicMs() - sinceMs));
      sinceMs = null;
    }
    if (monotonicMs() > reportMs) {
      say(`${new Date().toISOString().slice(11, 19)} ${now.epoch - before.epoch} elections, ${now.term - before.term} failovers so far`);
      reportMs += REPORT_MS;
    }
    await delay(LOOK_MS, undefined, { signal });
  }
  return { elections: now.epoch - before.epoch, failovers: now.term - before.term, worstBackMs };
}

async function balance({ group, signal }: SoakSurroundings, writers: Writers, fromMs: number): Promise<NonNullable<CalmRun['writes']>> {
  const toMs = monotonicMs();
  const seen = await writers.stop();
  const found = await readIds(group, { firstWriter: 0, writers: FULL_LOAD_WRITERS }, signal);
  const { acked, lost } = judge({ firstWriter: 0, attempts: seen.attempts, acked: seen.ids }, found);
  const gapMs = Math.round(longestGap(seen.ackedAtMs, { fromMs: fromMs + 1_000, toMs }));
  return { acked, lost, failed: seen.failed, gapMs, perSecond: Math.round((acked * 1_000) / (toMs - fromMs)) };
}

export function calmWords({ kind, minutes, elections, failovers, worstBackMs, writes }: CalmRun): string {
  const back = worstBackMs === null ? '' : `, back to normal after ${worstBackMs} ms at most`;
  const words = `${Math.round(minutes * 10) / 10} minutes ${kind}: ${elections} elections, ${failovers} false failovers${back}`;
  if (writes === null) return words;
  const { acked, lost, failed, gapMs, perSecond } = writes;
  return `${words}; ${acked} acked (${perSecond} per second), ${failed} failed, longest gap ${gapMs} ms, lost = ${lost}`;
}
