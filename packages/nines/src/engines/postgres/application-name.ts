/**
 * Under which names standbys connect. Names in `ANY k (...)` are matched exactly, so the name alone decides who is counted: with
 * the leader's term in it, a standby that believes in another term never is. Pure.
 */
import type { NodeName } from '../../failover/record.ts';

export interface Following {
  node: NodeName;
  term: number;
  /** False: streams, but is in no list, whatever the leader's setting says. */
  counted: boolean;
}

export function applicationName({ node, term, counted }: Following): string {
  return `${node}_${counted ? 't' : 'f'}${term}`;
}

/** Null for every name that is not one of ours. */
export function parseApplicationName(name: string): Following | null {
  const [, node, kind, term] = /^(replica_\d+)_([tf])(\d{1,10})$/.exec(name) ?? [];
  return node === undefined ? null : { node, term: Number(term), counted: kind === 't' };
}
