import type { Queries } from '../standby/query.ts';

export interface Walsender {
  pid: number;
  /** Its standby's application name. */
  name: string;
  /** 'startup' | 'catchup' | 'streaming' | 'backup' | 'stopping' */
  state: string;
  /** What its standby says it has flushed, in bytes; 0 while it has said nothing. */
  flushLsn: number;
  sentLsn: number;
}

export async function walsenders(connection: Queries): Promise<Walsender[]> {
  return connection.query<Walsender>(
    `select pid, application_name as name, state,
       coalesce(pg_wal_lsn_diff(flush_lsn, '0/0'), 0)::float8 as "flushLsn",
       coalesce(pg_wal_lsn_diff(sent_lsn, '0/0'), 0)::float8 as "sentLsn"
     from pg_stat_replication`,
  );
}

/** A standby cannot have what was not sent: it has another log under the same numbers. */
export function saysTooMuch({ flushLsn, sentLsn }: Walsender): boolean {
  return flushLsn > sentLsn;
}

/** A record of the agent's own, by a session whose commits wait for this server alone. @returns the position behind it, in bytes. */
export async function writeRecord(connection: Queries, text: string): Promise<number> {
  await connection.query("select pg_logical_emit_message(true, 'nines', $1)", [text]);
  return flushedHere(connection);
}

export async function flushedHere(connection: Queries): Promise<number> {
  const [position] = await connection.query<{ lsn: number }>("select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::float8 as lsn");
  return position?.lsn ?? Number.POSITIVE_INFINITY;
}
