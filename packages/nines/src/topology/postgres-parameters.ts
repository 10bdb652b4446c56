/** Settings of postgresql.conf that Nines decides, and why a topology may not. A name that ends in '*' stands for all that begin so. */
export const OWNED_PARAMETERS: Readonly<Record<string, string>> = {
  port: "it is the group's own option 'port'",
  listen_addresses: "servers listen on their host's address only",
  cluster_name: 'it names the server to the others',
  data_directory: "it lies on the host's data disk",
  hba_file: 'who may connect, and how, is generated',
  ident_file: 'who may connect, and how, is generated',
  external_pid_file: 'the agent finds the process by pid and start time',
  'unix_socket_*': 'sockets lie in the run folder, readable by their users alone',
  'ssl*': 'certificates are issued by the cluster',
  password_encryption: 'passwords are scram-sha-256',
  wal_level: 'standbys need replica',
  max_wal_senders: 'a change would restart every server',
  max_replication_slots: 'a change would restart every server',
  hot_standby: 'standbys answer reads',
  wal_log_hints: 'a former primary could not be rewound without it',
  full_page_writes: 'a torn page would survive a power loss',
  fsync: 'without it a power loss loses acknowledged writes; see durability',
  synchronous_commit: "it follows from the group's 'durability'",
  synchronous_standby_names: "it follows from the group's 'durability' and from who is alive",
  'primary_*': 'the agent points standbys at the primary',
  'recovery_*': 'the agent decides who recovers from where',
  restart_after_crash: 'the agent restarts a crashed server, or promotes another',
  wal_retrieve_retry_interval: 'failover time depends on it',
  wal_receiver_timeout: 'failover time depends on it',
  wal_receiver_status_interval: 'failover time depends on it',
  wal_sender_timeout: 'failover time depends on it',
  max_standby_streaming_delay: 'a long read on a standby must not hold up its promotion',
  max_standby_archive_delay: 'a long read on a standby must not hold up its promotion',
  promote_trigger_file: 'the agent promotes',
  'archive_*': 'archiving belongs to the disaster recovery of Nines',
  restore_command: 'archiving belongs to the disaster recovery of Nines',
  log_destination: 'the agent captures and rotates the log',
  logging_collector: 'the agent captures and rotates the log',
  config_file: 'the file is generated',
  include: 'the file is generated',
  include_dir: 'the file is generated',
  include_if_exists: 'the file is generated',
};

/** Why Nines owns this setting, or null when a topology may give it. */
export function ownedBecause(parameter: string): string | null {
  for (const [owned, reason] of Object.entries(OWNED_PARAMETERS)) {
    const matches = owned.endsWith('*') ? parameter.startsWith(owned.slice(0, -1)) : parameter === owned;
    if (matches) return reason;
  }
  return null;
}
