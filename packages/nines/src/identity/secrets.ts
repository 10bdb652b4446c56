import type { Topology } from '../topology/topology.ts';
import type { ClusterSecrets } from './identity.ts';

const POSTGRES_ROLES = ['postgres', 'app', 'monitor'];
const REDIS_USERS = ['app', 'replica', 'sentinel', 'agent'];

/** A node that joins later has its role's password without a new secrets.json on every host. */
const LEAST_REPLICA_ROLES = 8;

export function emptySecrets(): ClusterSecrets {
  return { postgres: {}, redis: {}, services: {}, other: {} };
}

/**
 * The secrets that a topology needs: every one that exists is kept, also those of groups that have left
 * (a group that comes back finds its data and its password), and what is missing comes from `generate`.
 */
export function completeSecrets(existing: ClusterSecrets, topology: Topology, generate: () => string): ClusterSecrets {
  const needed = neededSecrets(topology);
  const complete = (section: keyof ClusterSecrets): Record<string, string> => {
    const values = { ...existing[section] };
    for (const key of needed[section]) values[key] ??= generate();
    return values;
  };
  return { postgres: complete('postgres'), redis: complete('redis'), services: complete('services'), other: complete('other') };
}

function neededSecrets(topology: Topology): Record<keyof ClusterSecrets, string[]> {
  return {
    postgres: Object.entries(topology.postgres).flatMap(([group, { replicas }]) =>
      [...POSTGRES_ROLES, ...replicaRoles(replicas)].map((role) => `${group}/${role}`),
    ),
    redis: Object.keys(topology.redis).flatMap((group) => REDIS_USERS.map((user) => `${group}/${user}`)),
    services: Object.entries(topology.services).flatMap(([service, { secrets }]) => secrets.map((name) => `${service}/${name}`)),
    other: topology.gateway === null ? [] : ['gateway/stats'],
  };
}

/** Twice the replicas: an ordinal is never reused while its unit lives, so a moved unit takes the next one. */
function replicaRoles(replicas: number): string[] {
  return Array.from({ length: Math.max(LEAST_REPLICA_ROLES, 2 * replicas) }, (_, ordinal) => `replica_${ordinal}`);
}

/** The content of secrets.json, or null when it is not one. */
export function parseSecrets(text: string): ClusterSecrets | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const sections: unknown[] = (['postgres', 'redis', 'services', 'other'] as const).map((name) => (value as Record<string, unknown>)[name]);
  return sections.every(isStringRecord) ? (value as ClusterSecrets) : null;
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((entry) => typeof entry === 'string');
}
