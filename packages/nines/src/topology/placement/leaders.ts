import type { PlacedUnit } from '../cluster-spec.ts';
import { isOf, least, type Site, tally } from './site.ts';
import type { Want } from './wants.ts';

/**
 * Names the initial leader of every group. A living group keeps its own; when that one's host is gone, a survivor
 * with the lowest ordinal has the name, never a newcomer, which would start an empty group beside the data.
 * New groups take the zone with the fewest leaders, so that no zone's loss ends several leads at once.
 */
export function withLeaders(all: Want[], units: PlacedUnit[], survivors: PlacedUnit[], sites: Site[]): PlacedUnit[] {
  const leading = all.filter((want) => want.leads && want.count > 0);
  let result = units.map((unit) => ({ ...unit, initialLeader: false }));
  const fresh: Want[] = [];
  for (const want of leading) {
    const alive = survivors.filter((unit) => isOf(want, unit)).sort((left, right) => left.ordinal - right.ordinal);
    const leader = alive.find((unit) => unit.initialLeader) ?? alive[0];
    if (leader === undefined) fresh.push(want);
    else result = named(want, result, leader.host);
  }
  for (const want of fresh) result = named(want, result, freshLeader(all, want, result, sites));
  return result;
}

function freshLeader(all: Want[], want: Want, units: PlacedUnit[], sites: Site[]): string {
  const isLeader = (unit: PlacedUnit) => unit.initialLeader && all.some((other) => other.leads && isOf(other, unit));
  const counts = tally(units, isLeader, sites);
  const hosts = new Set(units.filter((unit) => isOf(want, unit)).map((unit) => unit.host));
  const own = sites.filter((site) => hosts.has(site.host));
  return (least(own, [counts.inZone, counts.onHost]) as Site).host;
}

/** Marks the group's unit on that host, and the companion beside it. Only groups without crowding lead. */
function named(want: Want, units: PlacedUnit[], host: string): PlacedUnit[] {
  return units.map((unit) => {
    const own = isOf(want, unit) || (unit.engine === want.companion && unit.group === want.group);
    return own && unit.host === host ? { ...unit, initialLeader: true } : unit;
  });
}
