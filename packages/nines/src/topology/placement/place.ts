import type { PlacedUnit, Placement } from '../cluster-spec.ts';
import type { Topology } from '../topology.ts';
import { kept, missing, withCompanion } from './fill.ts';
import { withLeaders } from './leaders.ts';
import { rebalanced } from './rebalance.ts';
import { isOf, sitesOf } from './site.ts';
import { type Want, wants } from './wants.ts';

/**
 * Which unit runs on which host: spread over zones, then hosts, then by load; each with the reason.
 * Deterministic. With a previous placement every unit that may stay stays: a removed host moves its own units only,
 * an added host or replica moves nothing but service instances of a place that has two more than another.
 * Throws E_CONFIG_INVALID when a topology that was not normalised has more units than hosts.
 */
export function place(topology: Topology, previous: Placement = { units: [] }): Placement {
  const sites = sitesOf(topology);
  const all = wants(topology);
  const survivors = all.flatMap((want) =>
    kept(want, previous.units, sites).flatMap((unit) => keptWithCompanion(want, unit, previous.units)),
  );
  let units = survivors;
  for (const want of all) {
    units = [...units, ...missing(want, units, sites)];
    if (want.crowding) units = rebalanced(want, units, sites);
  }
  return { units: inOrder(all, withLeaders(all, units, survivors, sites)) };
}

/** The companion of before keeps its own reason; one that was not there yet is new. */
function keptWithCompanion(want: Want, unit: PlacedUnit, previous: PlacedUnit[]): PlacedUnit[] {
  return withCompanion(want, unit).map((each) => {
    if (each === unit) return unit;
    return previous.find((before) => before.name === each.name && before.host === each.host) ?? each;
  });
}

/** By engine and group in the order of placement, companions behind those they serve, then by ordinal. */
function inOrder(all: Want[], units: PlacedUnit[]): PlacedUnit[] {
  return all.flatMap((want) => {
    const engines = want.companion === null ? [want.engine] : [want.engine, want.companion];
    return engines.flatMap((engine) =>
      units.filter((unit) => isOf({ engine, group: want.group }, unit)).sort((left, right) => left.ordinal - right.ordinal),
    );
  });
}
