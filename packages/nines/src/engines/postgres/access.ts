/** pg_hba.conf: who may connect from where. Pure. */
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import type { PostgresGroup } from './group.ts';

const METHOD = 'scram-sha-256';
/** The socket's folder is the server's own, and the kernel says who connects: root is the agent, and could read the password anyway. */
const OF_ROOT = 'peer map=nines';

/** Content of the file `admitted`, which the application's lines name. */
export const ADMIT_APPLICATION = '"app"\n';
/** No role has this name. */
export const ADMIT_NOBODY = '"nobody"\n';

/** There is no such database: a name to ask the server under whether it would ask the application for its password. */
export const ADMISSION_DATABASE = 'nines-admission';

/**
 * Only what is listed gets in: the superuser by the unix socket alone, and for the machine's root alone; the application from the cluster's hosts into
 * its own database alone and only while it is admitted, each member's replication role from its own host alone, over the
 * network with TLS and scram.
 * @param admittedFile whose content is `ADMIT_APPLICATION` or `ADMIT_NOBODY`
 */
export function renderAccess(spec: ClusterSpec, group: PostgresGroup, admittedFile: string): string {
  const admitted = `@${quoted(admittedFile)}`;
  const database = quoted(group.settings.database);
  const clients = Object.keys(spec.hosts)
    .toSorted()
    .flatMap((name) => sourceAddresses(spec.hosts[name]!.address));
  const lines = [
    '# Written by Nines from the topology; changes here are overwritten.',
    rule('local', 'all', '"postgres"', '', OF_ROOT),
    rule('local', 'all', '"monitor"', '', METHOD),
    rule('local', quoted(ADMISSION_DATABASE), admitted, '', METHOD),
    ...unique(clients).map((address) => rule('hostssl', database, admitted, address, METHOD)),
    ...unique(clients).map((address) => rule('hostssl', `${database},"postgres"`, '"monitor"', address, METHOD)),
    ...group.members.flatMap((member) =>
      sourceAddresses(member.address).map((address) => rule('hostssl', 'replication', quoted(member.replicaName), address, METHOD)),
    ),
    rule('local', 'all', 'all', '', 'reject'),
    rule('host', 'all', 'all', 'all', 'reject'),
    rule('host', 'replication', 'all', 'all', 'reject'),
  ];
  return `${lines.join('\n')}\n`;
}

/** pg_ident.conf: which of the machine's users is the superuser. A password costs two processes 4096 rounds of a hash, at each step of a failover. */
export function renderIdentityMap(): string {
  return '# Written by Nines; changes here are overwritten.\nnines root postgres\n';
}

/** Quoted, so that a name such as `all` or `replication` is a name and not the keyword. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Linux gives every connection inside 127.0.0.0/8 the source 127.0.0.1, whatever loopback address the host has. */
function sourceAddresses(address: string): string[] {
  return address.startsWith('127.') ? [`${address}/32`, '127.0.0.1/32'] : [`${address}/32`];
}

function unique(values: string[]): string[] {
  return [...new Set(values)];
}

function rule(type: string, database: string, user: string, address: string, method: string): string {
  return [type.padEnd(8), database.padEnd(16), user.padEnd(22), address.padEnd(19), method].join(' ');
}
