import { NinesError } from '../../errors/errors.ts';
import type { PlacedUnit } from '../cluster-spec.ts';
import { isOf, lowestFree, roomiest, type Site, tally } from './site.ts';
import { unitName, type Want } from './wants.ts';

/** The units of before that stay: their host lives and they are still wanted. What is too many goes from the fullest place. */
export function kept(want: Want, previous: PlacedUnit[], sites: Site[]): PlacedUnit[] {
  const hosts = new Set(sites.map((site) => site.host));
  const units = previous.filter((unit) => isOf(want, unit) && hosts.has(unit.host));
  while (units.length > want.count) units.splice(units.indexOf(mostExpendable(units, sites)), 1);
  return units.reduce<PlacedUnit[]>((fitting, unit) => [...fitting, withFittingSlot(want, unit, units, fitting)], []);
}

/** A service owns as many ports as it has replicas: with fewer of them a high slot must come down. */
function withFittingSlot(want: Want, unit: PlacedUnit, units: PlacedUnit[], fitting: PlacedUnit[]): PlacedUnit {
  if (unit.slot < want.count) return unit;
  const taken = [...units.filter((other) => other.slot < want.count), ...fitting].filter((other) => other.host === unit.host);
  return { ...unit, slot: lowestFree(taken.map((other) => other.slot)) };
}

function mostExpendable(units: PlacedUnit[], sites: Site[]): PlacedUnit {
  const counts = tally(units, () => true, sites);
  const siteOf = new Map(sites.map((site) => [site.host, site]));
  const rank = (unit: PlacedUnit): number[] => {
    const site = siteOf.get(unit.host) as Site;
    return [unit.initialLeader ? 1 : 0, -counts.inZone(site), -counts.onHost(site), -unit.ordinal];
  };
  return [...units].sort((left, right) => compare(rank(left), rank(right)))[0] as PlacedUnit;
}

/** The units that are still missing, each where there is most room, on top of all that stands (`placed`). */
export function missing(want: Want, placed: PlacedUnit[], sites: Site[]): PlacedUnit[] {
  const added: PlacedUnit[] = [];
  for (;;) {
    const all = [...placed, ...added];
    const mine = all.filter((unit) => isOf(want, unit));
    if (mine.length >= want.count) return added;
    const counts = tally(all, (unit) => isOf(want, unit), sites);
    const free = want.crowding ? sites : sites.filter((site) => counts.onHost(site) === 0);
    const site = roomiest(free, counts);
    if (site === undefined) {
      const what = want.group === null ? want.engine : `${want.engine} '${want.group}'`;
      throw new NinesError('E_CONFIG_INVALID', `no host is left for ${want.count} units of ${what}: at most one on a host`);
    }
    const reason = `zone ${site.zoneName} had the fewest of it (${counts.inZone(site)}), ${site.host} the most room there`;
    added.push(...withCompanion(want, newUnit(want, mine, site, reason)));
  }
}

function newUnit(want: Want, mine: PlacedUnit[], site: Site, reason: string): PlacedUnit {
  const ordinal = lowestFree(mine.map((unit) => unit.ordinal));
  const slot = lowestFree(mine.filter((unit) => unit.host === site.host).map((unit) => unit.slot));
  const { engine, group } = want;
  return { name: unitName(engine, group, ordinal), engine, group, host: site.host, ordinal, slot, initialLeader: false, reason };
}

/** The unit and the one that stands beside it. */
export function withCompanion(want: Want, unit: PlacedUnit): PlacedUnit[] {
  if (want.companion === null) return [unit];
  const name = unitName(want.companion, want.group, unit.ordinal);
  return [unit, { ...unit, name, engine: want.companion, reason: `beside ${unit.name}, which it serves` }];
}

export function compare(left: number[], right: number[]): number {
  const index = left.findIndex((figure, at) => figure !== right[at]);
  return index === -1 ? 0 : (left[index] as number) - (right[index] as number);
}
