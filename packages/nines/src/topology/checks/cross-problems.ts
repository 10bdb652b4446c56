import type { Problem } from '../problems.ts';
import type { ParsedWords } from '../schema/schema.ts';
import type { Topology } from '../topology.ts';
import { loneAlertmanager, memberProblems, ownedParameters } from './groups.ts';
import { addressProblems, placeProblems } from './hosts.ts';
import { portProblems } from './ports.ts';
import { serviceProblems } from './services.ts';

/** What is wrong between options that are each right by themselves. */
export function crossProblems(words: ParsedWords, topology: Topology): Problem[] {
  const places = placeProblems(words);
  return [
    ...places,
    ...addressProblems(words, topology),
    // With a host missing or counted twice, every number of members would be compared with the wrong number of hosts.
    ...(places.length === 0 ? memberProblems(topology) : []),
    ...ownedParameters(topology),
    ...loneAlertmanager(topology),
    ...serviceProblems(topology),
    ...portProblems(topology),
  ];
}
