/** How a member is: one query over a connection that stays open. */
import { parseApplicationName } from '../application-name.ts';
import { atDeadline } from '../at-deadline.ts';
import type { MemberSight } from '../control.ts';
import type { Member } from '../member.ts';
import { ServerLine } from './server-line.ts';
import { WRITTEN_TIMELINE } from './server-term.ts';

const CONNECT_MS = 1_000;

interface Row {
  standby: boolean;
  term: number | null;
  flushLsn: number | null;
  replayLsn: number | null;
  streaming: boolean;
  standbys: { name: string; state: string; flushLsn: number | null; lagBytes: number | null }[];
}

/** After a start the server says of received log only where the segment begins: what it replayed it has flushed, too. */
const QUERY = `
select
  pg_is_in_recovery() as "standby",
  case when pg_is_in_recovery() then receiver.received_tli else ${WRITTEN_TIMELINE} end as "term",
  pg_wal_lsn_diff(case when pg_is_in_recovery() then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
    else pg_current_wal_flush_lsn() end, '0/0')::float8 as "flushLsn",
  pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::float8 as "replayLsn",
  coalesce(receiver.status = 'streaming', false) as "streaming",
  (select coalesce(json_agg(json_build_object('name', application_name, 'state', state,
      'flushLsn', pg_wal_lsn_diff(flush_lsn, '0/0'),
      'lagBytes', case when pg_is_in_recovery() then null else pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn) end)), '[]')
    from pg_stat_replication) as "standbys"
from (select) as one left join pg_stat_wal_receiver as receiver on true`;

const NOTHING: MemberSight = {
  answers: false,
  role: null,
  term: null,
  flushLsn: null,
  replayLsn: null,
  streaming: false,
  standbys: [],
};

export class Lookout {
  readonly #member: Member;
  readonly #line: ServerLine;

  constructor(member: Member) {
    this.#member = member;
    this.#line = new ServerLine(member, CONNECT_MS, {});
  }

  /** Never rejects: a server that is down, refuses or is silent for `deadlineMs` does not answer. */
  async look(deadlineMs: number): Promise<MemberSight> {
    if (this.#member.server.pid === null) return NOTHING;
    const connection = this.#line.connection();
    const takeBack = atDeadline(deadlineMs, () => this.#line.drop(connection));
    try {
      const [row] = await connection.query<Row>(QUERY);
      return row === undefined ? NOTHING : sightOf(row);
    } catch {
      this.#line.drop(connection);
      return NOTHING;
    } finally {
      takeBack();
    }
  }

  close(): void {
    this.#line.close();
  }
}

function sightOf({ standby, standbys, ...row }: Row): MemberSight {
  return {
    ...row,
    answers: true,
    role: standby ? 'standby' : 'primary',
    standbys: standby
      ? []
      : standbys.flatMap(({ name, state, flushLsn, lagBytes }) => {
          const following = parseApplicationName(name);
          // One that has reported nothing yet has nothing for sure.
          if (following === null) return [];
          const counted = following.counted && following.term === row.term;
          return [
            {
              node: following.node,
              counted,
              streaming: state === 'streaming',
              flushLsn: flushLsn ?? 0,
              lagBytes: lagBytes ?? row.flushLsn ?? 0,
            },
          ];
        }),
  };
}
