/** `synchronous_standby_names` of a setting, and back. Pure. */
import { LONE, type VoterSet } from '../../../failover/record.ts';
import { applicationName } from '../application-name.ts';

/** A leader of `term` counts its voters under the names of that very term. */
export function standbyNames({ acks, voters }: VoterSet, term: number): string {
  if (voters.length === 0) return '';
  return `ANY ${acks} (${voters.map((node) => `"${applicationName({ node, term, counted: true })}"`).join(', ')})`;
}

/**
 * The setting that a server of this term has. Names of another term (or nobody's) are kept whole, so that such a setting is
 * equal to none that the record can ask for. Null for a text that this program did not write.
 */
export function parseStandbyNames(text: string, term: number): VoterSet | null {
  if (text === '') return LONE;
  const match = /^ANY ([1-9]\d{0,5}) \(("[^",()]+"(?:, "[^",()]+")*)\)$/.exec(text);
  if (match === null) return null;
  const suffix = applicationName({ node: '', term, counted: true });
  const names = match[2]!.split(', ').map((quoted) => quoted.slice(1, -1));
  return { acks: Number(match[1]), voters: names.map((name) => (name.endsWith(suffix) ? name.slice(0, -suffix.length) : name)) };
}
