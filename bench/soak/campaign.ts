/** Faults from a seed, one after the other, until the time is over; between two of them the cluster is whole. */
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { chooseFaults, FAULTS } from './faults.ts';
import type { LabGroup } from './group.ts';
import { randomOf } from './random.ts';
import type { SoakOptions } from './options.ts';
import { appendSoakRun, type FaultRun, nextIndex, problemsOf, readSoakRuns } from './soak-log.ts';
import { type Course, runTrial } from './trial.ts';

const WRITERS = 8;
const WHOLE_LIMIT_MS = 90_000;

export interface SoakSurroundings {
  group: LabGroup;
  file: string;
  say(line: string): void;
  signal: AbortSignal;
}

/** False when an acknowledged write was lost, or anything else that must hold did not. Ends at the first such fault. */
export async function soakWithFaults(around: SoakSurroundings, { seed, minutes }: SoakOptions): Promise<boolean> {
  const { file, say, signal } = around;
  const endMs = performance.now() + minutes * 60_000;
  const runs: FaultRun[] = [];
  let isGood = true;
  for (let index = nextIndex(readSoakRuns(file), seed); isGood && performance.now() < endMs && !signal.aborted; index++) {
    const startedMs = Date.now();
    const run = await playFault(around, seed, index, runs.length);
    runs.push(run);
    appendSoakRun(file, run);
    say(lineOf(run));
    const problems = problemsOf(run);
    isGood = problems.length === 0;
    if (!isGood) say(await evidence(around, run, problems, startedMs));
  }
  say(summary(runs));
  return isGood;
}

async function playFault({ group, signal }: SoakSurroundings, seed: number, index: number, played: number): Promise<FaultRun> {
  const random = randomOf(seed, index);
  const names = chooseFaults(random);
  const holdMs = random.between(200, 6_000);
  const faults: FaultRun['faults'] = [];
  const play = async ({ before }: Course): Promise<void> => {
    for (const name of names) {
      const words = await FAULTS[name]?.act({ group, primary: before.host, random, signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        return `could not be done: ${error instanceof Error ? error.message : String(error)}`;
      });
      faults.push({ name, words: words ?? '' });
      if (names.length > 1) await delay(random.between(0, 2_000), undefined, { signal });
    }
    await delay(holdMs, undefined, { signal });
  };
  const firstWriter = played * WRITERS;
  const { errors: _, ...result } = await runTrial({ group, firstWriter, writers: WRITERS, wholeLimitMs: WHOLE_LIMIT_MS, signal, play });
  return { kind: 'fault', seed, index, at: new Date().toISOString(), faults, holdMs, result };
}

/** All decisions of that fault, in a file beside the results. */
async function evidence({ group, file, signal }: SoakSurroundings, run: FaultRun, problems: string[], sinceMs: number): Promise<string> {
  const log = file.replace(/\.runs\.jsonl$/, `.seed-${run.seed}.fault-${run.index}.log`);
  const decisions = await group.decisions(sinceMs, signal).catch((error: unknown) => [String(error)]);
  writeFileSync(log, `${problems.join('\n')}\n${decisions.join('\n')}\n`);
  return `seed ${run.seed}, fault ${run.index}: ${problems.join('; ')}\nits decisions: ${log}`;
}

export function lineOf({ index, faults, holdMs, result }: FaultRun): string {
  const { gapMs, terms, epochs, acked, failed, lost, wholeAfterMs } = result;
  const what = faults.map(({ name, words }) => `${name}: ${words}`).join(' + ');
  const figures = `gap ${gapMs} ms, ${terms} terms, ${epochs} epochs, ${acked} acked, ${failed} failed, ${lost} lost`;
  return `#${index} ${what}, for ${holdMs} ms: ${figures}, whole after ${wholeAfterMs} ms`;
}

export function summary(runs: readonly FaultRun[]): string {
  const sum = (figure: (run: FaultRun) => number): number => runs.reduce((total, run) => total + figure(run), 0);
  const worst = runs.toSorted((left, right) => right.result.gapMs - left.result.gapMs)[0];
  return [
    `${runs.length} faults, ${sum(({ result }) => result.terms)} failovers,`,
    `worst gap ${worst === undefined ? 'none' : `${worst.result.gapMs} ms (#${worst.index} ${worst.faults.map(({ name }) => name).join(' + ')})`},`,
    `${sum(({ result }) => result.acked)} acked, ${sum(({ result }) => result.failed)} failed, lost = ${sum(({ result }) => result.lost)}`,
  ].join(' ');
}
