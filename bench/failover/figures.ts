/** From what the writers saw to the figures of a run, and from the runs to the bench's result. Pure. */
import { median, type ScenarioResult, scenarioResult } from '../result.ts';
import { type Combination, combinationKey, type ScenarioName, SCENARIOS } from './matrix.ts';
import type { RunRecord } from './run-log.ts';
import { GATEWAYS, SYSTEMS, type SystemName } from './system.ts';

/**
 * The longest time between two successive acknowledgements that touches the window; one that is still going on at its end counts
 * up to there. @param ackedAtMs ascending
 */
export function longestGap(ackedAtMs: Float64Array | readonly number[], window: { fromMs: number; toMs: number }): number {
  let longest = 0;
  let last = window.fromMs;
  for (const atMs of ackedAtMs) {
    if (atMs > window.toMs) break;
    if (atMs > window.fromMs) longest = Math.max(longest, atMs - last);
    last = Math.max(atMs, window.fromMs);
  }
  return Math.max(longest, window.toMs - last);
}

/** Acknowledged and not there. */
export function lostWrites(ackedIds: Float64Array | readonly number[], found: ReadonlySet<number>): number {
  let lost = 0;
  for (const id of ackedIds) if (!found.has(id)) lost += 1;
  return lost;
}

export interface Goal {
  scenario: ScenarioName;
  medianMs: number;
}

export const GOALS: Goal[] = [
  { scenario: 'switchover', medianMs: 150 },
  { scenario: 'postmaster-crash', medianMs: 350 },
  { scenario: 'host-cut', medianMs: 700 },
  { scenario: 'host-power-loss', medianMs: 700 },
  { scenario: 'host-freeze', medianMs: 700 },
];
/** Of Nines against tuned Patroni, when the host of the primary is cut off. */
export const CUT_GOAL = 35;

export function scenarioTitle({ scenario, gateway }: Pick<Combination, 'scenario' | 'gateway'>): string {
  return `${scenario}, gateway ${gateway} the primary's host`;
}

/** One row for each combination that was run, in the order of the bench. */
export function results(runs: readonly RunRecord[]): ScenarioResult[] {
  return combinations(runs).map((combination) => {
    const mine = runsOf(runs, combination);
    const sum = (figure: (run: RunRecord) => number) => mine.reduce((total, run) => total + figure(run), 0);
    const gaps = mine.map(({ gapMs }) => Math.round(gapMs));
    return {
      ...scenarioResult(
        combination.system,
        scenarioTitle(combination),
        'ms',
        gaps,
        sum(({ failed }) => failed),
      ),
      acked: sum(({ acked }) => acked),
      lost: sum(({ lost }) => lost),
    };
  });
}

export interface Ratio {
  scenario: string;
  peer: SystemName;
  /** The peer's median over Nines': how many times faster Nines is. */
  ratio: number;
}

export function ratios(runs: readonly RunRecord[]): Ratio[] {
  return combinations(runs).flatMap((combination) => {
    if (combination.system === 'nines') return [];
    const ours = runsOf(runs, { ...combination, system: 'nines' });
    if (ours.length === 0) return [];
    const ratio = medianGap(runsOf(runs, combination)) / medianGap(ours);
    return [{ scenario: scenarioTitle(combination), peer: combination.system, ratio: Math.round(ratio * 10) / 10 }];
  });
}

/** What Nines' runs do not keep, in sentences; empty when every goal that was measured is met. */
export function missedGoals(runs: readonly RunRecord[]): string[] {
  const ours = combinations(runs).filter(({ system }) => system === 'nines');
  const missed = ours.flatMap((combination) => {
    const mine = runsOf(runs, combination);
    const title = scenarioTitle(combination);
    const goal = GOALS.find(({ scenario }) => scenario === combination.scenario);
    const lost = mine.filter((run) => run.lost > 0).length;
    const down = mine.filter((run) => !run.recovered).length;
    return [
      ...(goal !== undefined && medianGap(mine) > goal.medianMs
        ? [`${title}: median ${Math.round(medianGap(mine))} ms, the goal is ${goal.medianMs}`]
        : []),
      ...(lost > 0 ? [`${title}: ${lost} of ${mine.length} runs lost acknowledged writes`] : []),
      ...(down > 0 ? [`${title}: ${down} of ${mine.length} runs did not come back by themselves`] : []),
    ];
  });
  const cuts = ratios(runs).filter(({ peer, scenario }) => peer === 'patroni-tuned' && scenario.startsWith('host-cut'));
  const slow = cuts.filter(({ ratio }) => ratio < CUT_GOAL);
  return [
    ...missed,
    ...slow.map(({ scenario, ratio }) => `${scenario}: ${ratio} times faster than tuned Patroni, the goal is ${CUT_GOAL}`),
  ];
}

/** Median length of each phase over the runs that have it, in the order of their first appearance. */
export function phaseMedians(runs: readonly RunRecord[]): Map<string, number> {
  const lengths = new Map<string, number[]>();
  for (const { phases } of runs) {
    for (const [name, ms] of Object.entries(phases)) lengths.set(name, [...(lengths.get(name) ?? []), ms]);
  }
  return new Map([...lengths].map(([name, values]) => [name, median(values)]));
}

export function runsOf(runs: readonly RunRecord[], combination: Combination): RunRecord[] {
  return runs.filter((run) => combinationKey(run) === combinationKey(combination));
}

export function combinations(runs: readonly RunRecord[]): Combination[] {
  return SCENARIOS.flatMap((scenario) => GATEWAYS.flatMap((gateway) => SYSTEMS.map((system) => ({ system, scenario, gateway })))).filter(
    (combination) => runsOf(runs, combination).length > 0,
  );
}

function medianGap(runs: readonly RunRecord[]): number {
  return median(runs.map(({ gapMs }) => gapMs));
}
