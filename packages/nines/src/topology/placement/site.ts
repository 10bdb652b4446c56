import type { PlacedUnit } from '../cluster-spec.ts';
import type { HostName, Topology } from '../topology.ts';
import { byText, type Want } from './wants.ts';

/** A host and the zone that it would fall with. */
export interface Site {
  host: HostName;
  /** Region and zone. */
  zone: string;
  zoneName: string;
}

/** All hosts in one fixed order, so that equal topologies give equal placements however they were written. */
export function sitesOf(topology: Topology): Site[] {
  return Object.entries(topology.hosts)
    .map(([host, { region, zone }]) => ({ host, zone: `${region}/${zone}`, zoneName: zone }))
    .sort((left, right) => byText(left.zone, right.zone) || byText(left.host, right.host));
}

export function isOf(want: Pick<Want, 'engine' | 'group'>, unit: PlacedUnit): boolean {
  return unit.engine === want.engine && unit.group === want.group;
}

/** Lowest number from 0 that is not taken. */
export function lowestFree(taken: number[]): number {
  let free = 0;
  while (taken.includes(free)) free++;
  return free;
}

/** How many of some units are in each zone and on each host, and how many units of any kind are on each host. */
export interface Tally {
  inZone(site: Site): number;
  onHost(site: Site): number;
  load(site: Site): number;
}

export function tally(units: PlacedUnit[], counted: (unit: PlacedUnit) => boolean, sites: Site[]): Tally {
  const zoneOfHost = new Map(sites.map((site) => [site.host, site.zone]));
  const zones = new Map<string, number>();
  const hosts = new Map<string, number>();
  const loads = new Map<string, number>();
  for (const unit of units) {
    loads.set(unit.host, (loads.get(unit.host) ?? 0) + 1);
    if (!counted(unit)) continue;
    const zone = zoneOfHost.get(unit.host) ?? '';
    zones.set(zone, (zones.get(zone) ?? 0) + 1);
    hosts.set(unit.host, (hosts.get(unit.host) ?? 0) + 1);
  }
  return {
    inZone: (site) => zones.get(site.zone) ?? 0,
    onHost: (site) => hosts.get(site.host) ?? 0,
    load: (site) => loads.get(site.host) ?? 0,
  };
}

/** The best place for one more: fewest in the zone, then on the host, then the least loaded host, then the order of names. */
export function roomiest(sites: Site[], counts: Tally): Site | undefined {
  return least(sites, [counts.inZone, counts.onHost, counts.load]);
}

/** The first of the sites with the smallest figures, compared one after another. */
export function least(sites: Site[], figures: ((site: Site) => number)[]): Site | undefined {
  return sites.reduce<Site | undefined>((best, site) => {
    if (best === undefined) return site;
    for (const figure of figures) {
      if (figure(site) !== figure(best)) return figure(site) < figure(best) ? site : best;
    }
    return best;
  }, undefined);
}
