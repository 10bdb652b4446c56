/** All steps one after the other on a loaded system, shown while they run. */
import type { Progress, Step } from '../cli/terminal/progress.ts';
import type { LoadProcess } from '../load/load-process.ts';
import { count } from '../report/words.ts';
import { type PlayedStep, playStep, STAGE_TIMES, type StageTimes } from './stage.ts';
import { BASELINE, type DemoStep } from './steps.ts';
import type { DemoCluster } from './system.ts';

export interface DemoTimes extends StageTimes {
  /** The rate grows for so long; pools, caches and compiled code get warm before anything is measured. */
  warmUpMs: number;
}

export const DEMO_TIMES: DemoTimes = { ...STAGE_TIMES, warmUpMs: 13_000 };

export interface PlayOptions {
  steps: readonly DemoStep[];
  progress: Progress;
  signal: AbortSignal;
  times: DemoTimes;
}

export interface PlayedSteps {
  baseline: PlayedStep;
  /** As many as were played, in order. */
  played: PlayedStep[];
}

export async function playSteps(options: PlayOptions, cluster: DemoCluster, load: LoadProcess): Promise<PlayedSteps> {
  await during(options.progress, 'warming up', async (step) => {
    const unlisten = load.listen(() => step.update(liveWords(load, 0, '')));
    await load.tickWhen((tick) => tick.atMs >= options.times.warmUpMs, options.signal).finally(unlisten);
  });
  const baseline = await playShown(BASELINE, options, cluster, load);
  const played: PlayedStep[] = [];
  let isWhole = baseline.unfinished === null;
  for (const step of options.steps) {
    // The next step would start on a system that is not whole, and be blamed for it.
    if (!isWhole) break;
    const one = await playShown(step, options, cluster, load);
    played.push(one);
    isWhole = one.unfinished === null;
  }
  return { baseline, played };
}

async function playShown(step: DemoStep, options: PlayOptions, cluster: DemoCluster, load: LoadProcess): Promise<PlayedStep> {
  const { progress, signal, times } = options;
  const shown = progress.step(step.title);
  const failedBefore = load.latest?.counts.failed ?? 0;
  let doing = '';
  const show = () => shown.update(liveWords(load, failedBefore, doing));
  const unlisten = load.listen(show);
  const say = (what: string) => {
    doing = what;
    show();
  };
  try {
    const played = await playStep(step, { cluster, load, times, signal, say });
    const words = `${count((load.latest?.counts.failed ?? 0) - failedBefore)} failed`;
    if (played.unfinished === null) shown.done(words);
    else shown.failed(`${played.unfinished}; ${words}`);
    return played;
  } catch (error) {
    shown.failed(error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    unlisten();
  }
}

function liveWords(load: LoadProcess, failedBefore: number, doing: string): string {
  const tick = load.latest;
  if (tick === null) return doing;
  const figures = `${count(tick.counts.requests)} requests, ${count(tick.counts.failed - failedBefore)} failed, ${tick.inFlight} under way`;
  return doing === '' ? figures : `${figures} · ${doing}`;
}

/** Work shown as one step of progress. */
export async function during<T>(progress: Progress, name: string, work: (step: Step) => Promise<T>): Promise<T> {
  const step = progress.step(name);
  try {
    const result = await work(step);
    step.done();
    return result;
  } catch (error) {
    step.failed(error instanceof Error ? error.message : String(error));
    throw error;
  }
}
