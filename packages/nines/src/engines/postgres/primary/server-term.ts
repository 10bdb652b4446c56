import { NinesError } from '../../../errors/errors.ts';
import type { Queries } from '../standby/query.ts';

/** SQL for the timeline that a primary writes on; fails on a standby. */
export const WRITTEN_TIMELINE = "('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int";

/** The term that this server leads in. @throws NinesError E_ORDER_FAILED when it is no primary. */
export async function writtenTimeline(connection: Queries): Promise<number> {
  const [state] = await connection.query<{ term: number | null }>(
    `select case when pg_is_in_recovery() then null else ${WRITTEN_TIMELINE} end as term`,
  );
  if (state === undefined || state.term === null) throw new NinesError('E_ORDER_FAILED', 'this server is no primary');
  return state.term;
}
