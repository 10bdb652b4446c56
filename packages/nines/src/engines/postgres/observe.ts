/** How a PostgreSQL server is: one query over a connection that stays open. */
import type { EngineIo, Observation, UnitContext } from '../engine.ts';
import { localConnection } from './connection.ts';
import { type ServerState, standingOf } from './standing.ts';

const KEY = 'postgres';
const TIMEOUT_MS = 1_000;

const QUERY = `
select
  pg_is_in_recovery() as "standby",
  current_setting('synchronous_standby_names') <> '' as "waitsForStandby",
  case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_flush_lsn() end::text as "flushLsn",
  case when pg_is_in_recovery() then receiver.received_tli
    else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int end as "timeline",
  receiver.status as "receiverStatus",
  (select extract(epoch from clock_timestamp() - backend_start) * 1000 from pg_stat_activity
    where pid = receiver.pid)::float8 as "receiverAgeMs",
  pg_wal_lsn_diff(receiver.latest_end_lsn, pg_last_wal_replay_lsn())::float8 as "lagBytes",
  case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
    else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end::float8 as "lagSeconds",
  (select coalesce(json_agg(json_build_object('name', application_name, 'state', state, 'syncState', sync_state,
      'lagBytes', pg_wal_lsn_diff(sent_lsn, flush_lsn)) order by application_name), '[]')
    from pg_stat_replication where application_name like 'replica\\_%') as "standbys",
  (select coalesce(json_agg(slot_name order by slot_name), '[]') from pg_replication_slots where wal_status = 'lost') as "lostSlots"
from (select) as one left join pg_stat_wal_receiver as receiver on true`;

export async function observePostgres(context: UnitContext, io: EngineIo): Promise<Observation> {
  try {
    const connection = io.keep(KEY, () => localConnection(context, 'postgres', TIMEOUT_MS));
    const [state] = await connection.query<ServerState>(QUERY);
    if (state !== undefined) return standingOf(state);
    return { ready: false, live: false, reason: 'the server answered nothing to the question how it is' };
  } catch (error) {
    io.drop(KEY);
    return unanswered(error);
  }
}

/** SQLSTATEs of a server that is sound but does not let anyone in now. */
const SOUND_REFUSALS: Record<string, string> = {
  '57P03': 'is starting up or shutting down',
  '57P01': 'is shutting down',
  '53300': 'has no free connection, not even a reserved one',
};

/**
 * Only silence speaks against the process. One that refuses connections or closes them is starting or ending, and its
 * end is seen elsewhere: on a busy machine the socket of a sound server has taken more than 300 ms to appear.
 */
function unanswered(error: unknown): Observation {
  const { code, message = String(error) } = error as { code?: string; message?: string };
  const refusal = code === undefined ? undefined : SOUND_REFUSALS[code];
  if (refusal !== undefined) return { ready: false, live: true, reason: `the server ${refusal}` };
  const silent = /timeout/i.test(message);
  return { ready: false, live: !silent, reason: `the server does not answer: ${message}` };
}
