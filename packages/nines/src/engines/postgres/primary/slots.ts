/** Slots for the others: a slot keeps the log from the moment it is made, so that who connects finds all it needs. */
import type { LocalConnection } from '../connection.ts';
import type { Member } from '../member.ts';

/** Of every other member; also on a server that is just being promoted. */
export async function makeSlots(connection: LocalConnection, { group, member }: Pick<Member, 'group' | 'member'>): Promise<void> {
  const wanted = group.members.filter((other) => other.replicaName !== member.replicaName).map((other) => other.replicaName);
  await connection.query(
    `select pg_create_physical_replication_slot(name, true) from unnest($1::text[]) as name
     where not exists (select from pg_replication_slots where slot_name = name)`,
    [wanted],
  );
}

/** Of members that have left the group: one that nobody reads fills the disk. */
export async function dropFormerSlots(
  connection: LocalConnection,
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
