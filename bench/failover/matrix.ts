/** Which runs there are to make, in which order. Pure. */
import type { GatewayPlace, SystemName } from './system.ts';

export const SCENARIOS = ['switchover', 'postmaster-crash', 'host-cut', 'host-power-loss', 'host-freeze', 'agent-freeze'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export interface Combination {
  system: SystemName;
  scenario: ScenarioName;
  gateway: GatewayPlace;
}

export interface Selection {
  systems: readonly SystemName[];
  scenarios: readonly ScenarioName[];
  gateways: readonly GatewayPlace[];
  /** Runs wanted of each combination, by system. */
  runs(system: SystemName): number;
}

export function combinationKey({ system, scenario, gateway }: Combination): string {
  return `${system} ${scenario} ${gateway}`;
}

export function isSelected(selection: Selection, { system, scenario, gateway }: Combination): boolean {
  return selection.systems.includes(system) && selection.scenarios.includes(scenario) && selection.gateways.includes(gateway);
}

/**
 * The runs that are still missing, round by round, so that what else the machine does hits all systems. In a round each system makes
 * its runs in one go, in a cluster that it keeps; each is first in every round of its own.
 */
export function missingRuns(selection: Selection, done: readonly Combination[]): Combination[] {
  const counts = new Map<string, number>();
  for (const one of done) counts.set(combinationKey(one), (counts.get(combinationKey(one)) ?? 0) + 1);
  const rounds = Math.max(...selection.systems.map(selection.runs));
  const missing: Combination[] = [];
  for (let round = 0; round < rounds; round++) {
    const first = round % selection.systems.length;
    for (const system of [...selection.systems.slice(first), ...selection.systems.slice(0, first)]) {
      if (round >= selection.runs(system)) continue;
      for (const gateway of selection.gateways) {
        for (const scenario of selection.scenarios) {
          const combination = { system, scenario, gateway };
          if ((counts.get(combinationKey(combination)) ?? 0) <= round) missing.push(combination);
        }
      }
    }
  }
  return missing;
}
