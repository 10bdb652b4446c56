import type { PlacedUnit } from '../cluster-spec.ts';
import { isOf, lowestFree, roomiest, type Site, tally } from './site.ts';
import type { Want } from './wants.ts';

/**
 * Moves instances of a service until no zone, and in a zone no host, has two more than another: a zone or host
 * that was added, or came back, would otherwise stay empty while the loss of another takes all. A difference of
 * one is left alone, so nothing moves that need not. Returns the moved units in their new places.
 */
export function rebalanced(want: Want, placed: PlacedUnit[], sites: Site[]): PlacedUnit[] {
  let units = placed;
  for (;;) {
    const move = nextMove(want, units, sites);
    if (move === null) return units;
    units = units.map((unit) => (unit === move.from ? move.to : unit));
  }
}

function nextMove(want: Want, units: PlacedUnit[], sites: Site[]): { from: PlacedUnit; to: PlacedUnit } | null {
  const counts = tally(units, (unit) => isOf(want, unit), sites);
  const target = roomiest(sites, counts);
  if (target === undefined) return null;
  const fullZone = fullest(sites, counts.inZone);
  if (counts.inZone(fullZone) - counts.inZone(target) >= 2) {
    const from = fullest(
      sites.filter((site) => site.zone === fullZone.zone),
      counts.onHost,
    );
    return moved(
      want,
      units,
      from,
      target,
      `zone ${from.zoneName} had ${counts.inZone(from)} of it, zone ${target.zoneName} ${counts.inZone(target)}`,
    );
  }
  for (const site of sites) {
    const neighbours = sites.filter((other) => other.zone === site.zone);
    const emptiest = roomiest(neighbours, counts) as Site;
    const from = fullest(neighbours, counts.onHost);
    if (counts.onHost(from) - counts.onHost(emptiest) >= 2) {
      return moved(
        want,
        units,
        from,
        emptiest,
        `${from.host} had ${counts.onHost(from)} of it, ${emptiest.host} ${counts.onHost(emptiest)}`,
      );
    }
  }
  return null;
}

function fullest(sites: Site[], figure: (site: Site) => number): Site {
  return sites.reduce((best, site) => (figure(site) > figure(best) ? site : best));
}

function moved(want: Want, units: PlacedUnit[], source: Site, target: Site, why: string) {
  const there = units.filter((unit) => isOf(want, unit) && unit.host === target.host);
  const here = units.filter((unit) => isOf(want, unit) && unit.host === source.host);
  const from = here.reduce((last, unit) => (unit.ordinal > last.ordinal ? unit : last));
  const slot = lowestFree(there.map((unit) => unit.slot));
  return { from, to: { ...from, host: target.host, slot, reason: `moved: ${why}` } };
}
