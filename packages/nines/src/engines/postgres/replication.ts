/** How a standby finds its leader: a service file and a password file outside PGDATA. Pure. */
import { applicationName } from './application-name.ts';
import type { PostgresMember } from './group.ts';

/** `primary_conninfo` names this section only, so that a fence can switch it without touching PGDATA. */
export const LEADER_SERVICE = 'leader';
/**
 * pg_basebackup streams through the slot and reports what it flushed. Under the standby's own name it would be counted
 * while its copy is half-made, so it has a name that is in no list.
 */
export const CLONE_SERVICE = 'clone';

export type ReplicationPurpose = { kind: 'follow'; term: number; counted: boolean } | { kind: 'clone' };

export interface ReplicationSource {
  leader: PostgresMember;
  standby: PostgresMember;
  caFile: string;
  passwordFile: string;
  purpose: ReplicationPurpose;
}

/** Without a source it names nobody: a walreceiver that reads it ends at once, whatever it was started for. */
export function renderServiceFile(source: ReplicationSource | null): string {
  const heading = '# Written by Nines; changes here are overwritten.';
  return [heading, ...(source === null ? [] : section(source)), ''].join('\n');
}

function section({ leader, standby, caFile, passwordFile, purpose }: ReplicationSource): string[] {
  const node = standby.replicaName;
  return [
    `[${purpose.kind === 'follow' ? LEADER_SERVICE : CLONE_SERVICE}]`,
    `host=${leader.address}`,
    `port=${leader.port}`,
    `user=${node}`,
    `application_name=${purpose.kind === 'follow' ? applicationName({ ...purpose, node }) : `clone_${node}`}`,
    `passfile=${passwordFile}`,
    'sslmode=verify-full',
    `sslrootcert=${caFile}`,
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
