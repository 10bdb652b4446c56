import { listHosts } from '../defaults.ts';
import { pathText, type Problem, refused } from '../problems.ts';
import type { ParsedWords } from '../schema/schema.ts';
import type { Topology } from '../topology.ts';

/** At least one host in every zone; names of hosts and zones unique. */
export function placeProblems(words: ParsedWords): Problem[] {
  return [...emptyPlaces(words), ...repeatedZones(words), ...repeatedHosts(words)];
}

function emptyPlaces(words: ParsedWords): Problem[] {
  const regions = Object.entries(words.regions);
  if (regions.length === 0) return [{ path: ['regions'], text: 'is empty; give at least one region with a zone with a host' }];
  return regions.flatMap(([region, { zones }]) => {
    const path = ['regions', region, 'zones'];
    const list = Object.entries(zones);
    if (list.length === 0) return [{ path, text: 'is empty; give at least one zone with a host' }];
    return list
      .filter(([, { hosts }]) => Object.keys(hosts).length === 0)
      .map(([zone]) => ({ path: [...path, zone, 'hosts'], text: 'is empty; give at least one host' }));
  });
}

function repeatedZones(words: ParsedWords): Problem[] {
  const places = Object.entries(words.regions).flatMap(([region, { zones }]) =>
    Object.keys(zones).map((zone) => ({ key: zone, path: ['regions', region, 'zones', zone] })),
  );
  return repeats(
    places,
    (zone, first) => `the zone name '${zone}' is taken by ${first}; commands name zones without their region, give each its own name`,
  );
}

function repeatedHosts(words: ParsedWords): Problem[] {
  const places = listHosts(words).map(({ name, path }) => ({ key: name, path }));
  return repeats(places, (name, first) => `the host name '${name}' is taken by ${first}; give each host its own name`);
}

/** Every address is used once. */
export function addressProblems(words: ParsedWords, topology: Topology): Problem[] {
  const places = listHosts(words).map(({ host, path }) => ({ key: host.address, path: [...path, 'address'] }));
  const gateway = { key: topology.gateway?.address ?? null, path: ['gateway', 'address'] };
  const given = [...places, gateway].flatMap(({ key, path }) => (key === null ? [] : [{ key, path }]));
  return repeats(given, (address, first) => refused(address, `an address that nothing else has; ${first} has this one`));
}

/** A problem at each place whose key was there before. */
function repeats(places: { key: string; path: Problem['path'] }[], text: (key: string, first: string) => string): Problem[] {
  const first = new Map<string, Problem['path']>();
  return places.flatMap(({ key, path }) => {
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, path);
      return [];
    }
    return [{ path, text: text(key, pathText(before)) }];
  });
}
