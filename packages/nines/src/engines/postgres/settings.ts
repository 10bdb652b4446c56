/** Settings of one PostgreSQL server. Pure. */
import type { CertificatePaths } from '../../identity/identity.ts';
import type { PostgresGroup, PostgresMember } from './group.ts';
import type { PostgresLayout } from './layout.ts';
import { RESTART_SETTINGS } from './restart-settings.ts';

export type Settings = Record<string, string>;

/** What a topology may change by `parameters`. Small: a machine of 4 GiB runs three servers and everything else. */
const DEFAULTS: Settings = {
  max_connections: '100',
  // The agent gets in when the application has taken every connection: it keeps four open, a command takes up to three more, and a
  // proof that is late still waits in the server. One that did not get in would take a sound server for one that is gone.
  superuser_reserved_connections: '10',
  shared_buffers: '64MB',
  huge_pages: 'off',
  jit: 'off',
  min_wal_size: '64MB',
  max_wal_size: '256MB',
  // WAL kept for a standby that was away: the floor without a slot, the ceiling with one. A full disk stops the primary.
  wal_keep_size: '64MB',
  max_slot_wal_keep_size: '512MB',
  // A client behind a cut holds its row locks until its connection is found dead: 5 + 3 x 2 s.
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '2',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '10000',
  client_connection_check_interval: '1000',
  idle_in_transaction_session_timeout: '60000',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  default_text_search_config: 'pg_catalog.english',
  log_line_prefix: '%m [%p] %q%u@%d ',
};

/** What the promises rest on; `parameters` that name one of these have no effect (the schema refuses them). */
const FIXED: Settings = {
  logging_collector: 'off',
  unix_socket_permissions: '0700',
  ssl: 'on',
  ssl_min_protocol_version: 'TLSv1.2',
  password_encryption: 'scram-sha-256',
  fsync: 'on',
  full_page_writes: 'on',
  wal_level: 'replica',
  wal_log_hints: 'on',
  // A crash of one backend ends the server: the agent decides what comes next, not the postmaster.
  restart_after_crash: 'off',
  hot_standby: 'on',
  recovery_target_timeline: 'latest',
  // One syncfs after a crash instead of an fsync of each of a thousand files.
  recovery_init_sync_method: 'syncfs',
  // Constant, not by the number of replicas: changing them would restart the primary.
  max_wal_senders: '20',
  max_replication_slots: '20',
  // Each try at a leader that is gone is a new process, just when the others need the machine; who is to follow another one is told by SIGHUP,
  // which ends the pause.
  wal_retrieve_retry_interval: '250ms',
  wal_receiver_timeout: '2s',
  wal_sender_timeout: '2s',
  wal_receiver_status_interval: '1s',
  // A query on a standby never holds up replay: it held a promotion for more than 12 s.
  max_standby_streaming_delay: '0',
  max_standby_archive_delay: '0',
  recovery_min_apply_delay: '0',
};

export interface SettingsInput {
  group: PostgresGroup;
  member: PostgresMember;
  layout: PostgresLayout;
  certificate: CertificatePaths;
}

function placedSettings({ group, member, layout, certificate }: SettingsInput): Settings {
  return {
    data_directory: layout.dataDir,
    hba_file: layout.accessFile,
    ident_file: layout.identityMapFile,
    listen_addresses: member.address,
    port: String(member.port),
    unix_socket_directories: layout.socketDir,
    cluster_name: `${group.name}/${member.replicaName}`,
    ssl_cert_file: certificate.certFile,
    ssl_key_file: certificate.keyFile,
    ssl_ca_file: certificate.caFile,
    // Asynchronous is the clients' wish alone: the agent's own proofs ask for the quorum all the same.
    synchronous_commit: group.settings.durability === 'async' ? 'local' : 'on',
  };
}

/** Every setting of the server: defaults, the topology's `parameters`, and last what Nines alone decides. */
export function postgresSettings(input: SettingsInput): Settings {
  return { ...DEFAULTS, ...input.group.settings.parameters, ...FIXED, ...placedSettings(input) };
}

/** postgresql.conf (read at start) and the file it includes (read again at a reload); the executor's comes last and wins. */
export function renderSettings(
  settings: Settings,
  { reloadableFile, leadershipFile }: Pick<PostgresLayout, 'reloadableFile' | 'leadershipFile'>,
): { restart: string; reloadable: string } {
  const entries = Object.entries(settings).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const lines = (wanted: boolean) =>
    entries.filter(([name]) => RESTART_SETTINGS.has(name) === wanted).map(([name, value]) => `${name} = ${quotedSetting(value)}`);
  const heading = '# Written by Nines from the topology; changes here are overwritten.';
  return {
    restart: [heading, ...lines(true), `include = ${quotedSetting(reloadableFile)}`, `include = ${quotedSetting(leadershipFile)}`, ''].join(
      '\n',
    ),
    reloadable: [heading, ...lines(false), ''].join('\n'),
  };
}

/** In quotes PostgreSQL reads backslashes and doubled quotes; a value never spans lines. */
export function quotedSetting(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
}
