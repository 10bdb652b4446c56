/** Where clients find a PostgreSQL group. Pure; no passwords. */
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import { postgresGroup } from './group.ts';

export interface PostgresEndpoint {
  /** Address of the primary. TLS only; the certificate names this address. */
  host: string;
  port: number;
  database: string;
}

export interface PostgresMemberEndpoint {
  host: string;
  port: number;
  ordinal: number;
  unitName: string;
  hostName: string;
  /** The role at first start; the truth of now is in the unit's observation. */
  roleHint: 'primary' | 'standby';
}

export function postgresEndpoint(spec: ClusterSpec, group: string): PostgresEndpoint {
  const { primary, settings } = postgresGroup(spec, group);
  return { host: primary.address, port: primary.port, database: settings.database };
}

/** Every member of the group, by ordinal. */
export function postgresMembers(spec: ClusterSpec, group: string): PostgresMemberEndpoint[] {
  return postgresGroup(spec, group).members.map((member) => ({
    host: member.address,
    port: member.port,
    ordinal: member.unit.ordinal,
    unitName: member.unit.name,
    hostName: member.unit.host,
    roleHint: member.role,
  }));
}
