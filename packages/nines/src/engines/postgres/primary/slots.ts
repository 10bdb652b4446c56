/** Slots for the others: a leader's keeps the log from the moment it is made, so that who connects finds all it needs. */
import type { Queries } from '../standby/query.ts';
import type { Member } from '../member.ts';

const nameOthers = ({ group, member }: Pick<Member, 'group' | 'member'>): string[] =>
  group.members.filter((other) => other.replicaName !== member.replicaName).map((other) => other.replicaName);

/** SQLSTATE. What an earlier command asked for may still be under way in the server. */
const DUPLICATE_OBJECT = '42710';

/** Of every other member, unless it is there; also on a server that is just being promoted. */
export async function makeSlots(connection: Queries, m: Pick<Member, 'group' | 'member'>): Promise<void> {
  const make = () =>
    connection.query(
      `select pg_create_physical_replication_slot(name, true) from unnest($1::text[]) as name
       where not exists (select from pg_replication_slots where slot_name = name)`,
      [nameOthers(m)],
    );
  await make().catch((error: { code?: string }) => {
    if (error.code !== DUPLICATE_OBJECT) throw error;
    return make();
  });
}

/**
 * On a standby, for the day when it leads: each is several waits for the disk. They keep no log until somebody reads by them; one that
 * somebody did, and reads no more, is made anew.
 */
export async function makeIdleSlots(connection: Queries, m: Pick<Member, 'group' | 'member'>): Promise<void> {
  await connection.query(
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots
     where slot_name = any($1) and not active and restart_lsn is not null and pg_is_in_recovery()`,
    [nameOthers(m)],
  );
  await connection.query(
    `select pg_create_physical_replication_slot(name, false) from unnest($1::text[]) as name
     where pg_is_in_recovery() and not exists (select from pg_replication_slots where slot_name = name)`,
    [nameOthers(m)],
  );
}

/** On a leader: the log is kept from now on for those that did not come yet. */
export async function reserveSlots(connection: Queries, m: Pick<Member, 'group' | 'member'>): Promise<void> {
  await connection.query(
    `select pg_drop_replication_slot(slot_name) from pg_replication_slots
     where slot_name = any($1) and not active and restart_lsn is null and wal_status is distinct from 'lost'`,
    [nameOthers(m)],
  );
  await makeSlots(connection, m);
}

/** Of members that have left the group: one that nobody reads fills the disk. */
export async function dropFormerSlots(
  connection: Queries,
  { group }: Pick<Member, 'group'>,
  log: (message: string) => void,
): Promise<void> {
  const slots = await connection.query<{ name: string }>(
    "select slot_name as name from pg_replication_slots where slot_type = 'physical' and not active and slot_name ~ '^replica_[0-9]+$'",
  );
  const members = new Set(group.members.map(({ replicaName }) => replicaName));
  for (const { name } of slots.filter((slot) => !members.has(slot.name))) {
    log(`dropping the slot ${name}: its member has left the group`);
    await connection.query('select pg_drop_replication_slot($1)', [name]);
  }
}
