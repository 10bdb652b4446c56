/** How a standby finds the primary: a service file and a password file outside PGDATA. Pure. */
import type { PostgresMember } from './group.ts';

/** `primary_conninfo` names this section only, so that a fence can switch it without touching PGDATA. */
export const LEADER_SERVICE = 'leader';
/**
 * pg_basebackup streams through the slot and reports what it flushed. Under the standby's own name it would be counted
 * by `ANY 1` while its copy is half-made, so it has a name that is in no list.
 */
export const CLONE_SERVICE = 'clone';

export interface ReplicationSource {
  primary: PostgresMember;
  standby: PostgresMember;
  caFile: string;
  passwordFile: string;
}

export function renderServiceFile(source: ReplicationSource): string {
  return [
    '# Written by Nines; changes here are overwritten.',
    ...section(LEADER_SERVICE, source.standby.replicaName, source),
    ...section(CLONE_SERVICE, `clone_${source.standby.replicaName}`, source),
    '',
  ].join('\n');
}

function section(service: string, applicationName: string, source: ReplicationSource): string[] {
  return [
    `[${service}]`,
    `host=${source.primary.address}`,
    `port=${source.primary.port}`,
    `user=${source.standby.replicaName}`,
    `application_name=${applicationName}`,
    `passfile=${source.passwordFile}`,
    'sslmode=verify-full',
    `sslrootcert=${source.caFile}`,
    // A cut drops packets silently: without these a connection attempt hangs for minutes.
    'connect_timeout=2',
    'keepalives_idle=2',
    'keepalives_interval=1',
    'keepalives_count=3',
    'tcp_user_timeout=5000',
  ];
}

/** One line of a libpq password file for every database of any server; `:` and `\` are escaped as libpq reads them. */
export function renderPasswordFile(role: string, password: string): string {
  return `*:*:*:${role}:${password.replaceAll(/[\\:]/g, (character) => `\\${character}`)}\n`;
}
