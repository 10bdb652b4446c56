/** Where a PostgreSQL group is, as the host's agent says it, and what a new word of it changes. Pure. */

/** One line of the agent's stream `/v1/postgres/GROUP/stream`. */
export interface PostgresPlace {
  /** Host of the leader; null while nobody is known to lead. */
  leader: string | null;
  address: string | null;
  port: number | null;
  /** Counts leaders. */
  term: number;
  phase: string;
  replicas: { address: string; port: number; lagBytes: number | null }[];
}

export interface Leader {
  address: string;
  port: number;
  term: number;
}

/** @throws Error when the line is not what an agent writes. */
export function parsePlace(line: string): PostgresPlace {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new Error('the agent wrote no object');
  const { leader = null, address = null, port = null, term, phase, replicas = [] } = value as Partial<PostgresPlace>;
  const sound =
    typeof term === 'number' &&
    (leader === null || (typeof leader === 'string' && typeof address === 'string' && typeof port === 'number')) &&
    Array.isArray(replicas);
  if (!sound) throw new Error('the agent wrote a line of another kind');
  return { leader, address, port, term, phase: String(phase), replicas };
}

/**
 * The leader after a new word. An agent that just began knows none and is not believed over what was known; the word of a
 * lower term is old. Null: the known leader's term is over and nobody is known to lead.
 */
export function leaderAfter(known: Leader | null, place: PostgresPlace): Leader | null {
  if (known !== null && place.term < known.term) return known;
  if (place.leader !== null && place.address !== null && place.port !== null) {
    return { address: place.address, port: place.port, term: place.term };
  }
  return known !== null && place.term === known.term ? known : null;
}
