/** One step on a running system: a quiet lead, the fault, and waiting until it is over, so that steps do not blur. */
import type { LoadProcess } from '../load/load-process.ts';
import type { StepMarks } from '../load/step-figures.ts';
import type { DemoStep, Stage } from './steps.ts';
import type { DemoCluster, FaultProof } from './system.ts';

export interface StageTimes {
  /** Load before the fault, inside the step's window. */
  leadMs: number;
  /** The window lasts at least this long after the last fault. */
  tailMs: number;
  /** Clients are steady when nothing was felt for this long. */
  quietMs: number;
  /** A step is given up when it is not steady this long after it was asked to be. */
  patienceMs: number;
}

export const STAGE_TIMES: StageTimes = { leadMs: 2000, tailMs: 4000, quietMs: 2000, patienceMs: 40_000 };

/** A request under way for longer is a disturbance that has not been counted yet. */
const STALLED_MS = 500;

export interface PlayedStep {
  marks: StepMarks;
  proofs: string[];
  /** Why it was given up, one sentence; null: it ran to its end. */
  unfinished: string | null;
}

export interface StageOptions {
  cluster: DemoCluster;
  load: LoadProcess;
  times: StageTimes;
  signal: AbortSignal;
  say(what: string): void;
}

/** Rejects only when the whole demo has to end (the signal, a dead load); a step that fails says so in its result. */
export async function playStep(step: DemoStep, options: StageOptions): Promise<PlayedStep> {
  const { load, times, signal } = options;
  const played: PlayedStep = {
    marks: { name: step.name, window: { fromMs: load.nowMs(), untilMs: load.nowMs() }, faults: [] },
    proofs: [],
    unfinished: null,
  };
  const stage = stageFor(step, options, played);
  try {
    if (step.prepare !== undefined) {
      await step.prepare(stage);
      await stage.clientsSteady();
    }
    const fromMs = load.nowMs();
    played.marks.window.fromMs = fromMs;
    load.mark(`${step.name}: begin`, fromMs);
    await load.tickWhen((tick) => tick.atMs >= fromMs + times.leadMs, signal);
    await step.act(stage);
    await stage.allSteady();
    const lastFaultMs = played.marks.faults.at(-1)?.atMs ?? fromMs;
    await load.tickWhen((tick) => tick.atMs >= lastFaultMs + times.tailMs, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (load.ended) throw error;
    played.unfinished = `given up: ${error instanceof Error ? error.message : String(error)}`;
  }
  played.marks.window.untilMs = load.nowMs();
  load.mark(`${step.name}: end`, played.marks.window.untilMs);
  return played;
}

function stageFor(step: DemoStep, { cluster, load, times, signal, say }: StageOptions, played: PlayedStep): Stage {
  const fault = (name: string, { atNs, proof }: FaultProof) => {
    const atMs = load.toMs(atNs);
    played.marks.faults.push({ name, atMs });
    played.proofs.push(proof);
    load.mark(`${step.name}: ${name}`, atMs);
  };
  const clientsSteady = async () => {
    say('waiting until clients feel nothing');
    const fromMs = load.nowMs();
    const within = AbortSignal.any([signal, AbortSignal.timeout(times.patienceMs)]);
    const isQuiet = async () =>
      load.tickWhen((tick) => {
        const sinceMs = Math.max(fromMs, tick.lastDisturbedDueMs ?? 0);
        return tick.atMs - sinceMs >= times.quietMs && tick.oldestInFlightMs < STALLED_MS;
      }, within);
    await patiently(isQuiet(), within, signal, `clients still felt something after ${times.patienceMs / 1000} s`);
  };
  const allSteady = async () => {
    say('waiting until every unit is ready');
    const within = AbortSignal.any([signal, AbortSignal.timeout(times.patienceMs)]);
    await patiently(cluster.allReady({ signal: within }), within, signal, `not every unit was ready after ${times.patienceMs / 1000} s`);
    await clientsSteady();
  };
  return { cluster, signal, say, fault, clientsSteady, allSteady };
}

/** Says what was waited for in place of a bare timeout; keeps what the waiting itself says, such as names of units. */
async function patiently(wait: Promise<unknown>, within: AbortSignal, signal: AbortSignal, what: string): Promise<void> {
  try {
    await wait;
  } catch (error) {
    signal.throwIfAborted();
    if (!within.aborted) throw error;
    const detail = error instanceof Error && error !== within.reason ? ` (${error.message})` : '';
    throw new Error(`${what}${detail}`, { cause: error });
  }
}
