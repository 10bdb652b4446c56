/** What PostgreSQL may acknowledge: each walsender counts by the setting it has seen, over members that count by theirs. */
import type { Acked, Host, World } from './world.ts';

/**
 * Everything is acknowledged the moment it can be. That is the strongest case: what is checked are acknowledged writes, and nothing
 * that a node does depends on them.
 */
export function acknowledged(world: World): World {
  let { acked } = world;
  for (const host of world.hosts) acked = withHostAcked(world, host, acked);
  return acked === world.acked ? world : { ...world, acked };
}

function withHostAcked(world: World, host: Host, acked: readonly Acked[]): readonly Acked[] {
  const { server, disk } = host;
  if (server.mode !== 'primary') return acked;
  const { term } = server;
  const counted = server.senders.filter(({ to, counted, seen }) => counted && seen.voters.includes(to));
  const positions = counted.map(({ flush }) => flush).sort((left, right) => right - left);
  let replicated = 0;
  for (const { seen } of counted) replicated = Math.max(replicated, positions[seen.acks - 1] ?? 0);
  const isAlone = server.setting.acks === 0 || !server.armed;
  // The first position of a term is the promotion's own record, which no client waits for.
  const firstWrite = (world.tree.find((each) => each.term === term)?.fork ?? 0) + 2;
  const lsn = Math.min(isAlone ? disk.log.lsn : replicated, disk.log.lsn);
  if (lsn < firstWrite) return acked;
  const before = acked.find((each) => each.term === term) ?? { term, lsn: 0, replicated: 0 };
  const quorum = Math.min(replicated, disk.log.lsn);
  if (before.lsn >= lsn && before.replicated >= Math.min(quorum, lsn)) return acked;
  const after = { term, lsn: Math.max(before.lsn, lsn), replicated: Math.max(before.replicated, quorum >= firstWrite ? quorum : 0) };
  return [...acked.filter((each) => each.term !== term), after].sort((left, right) => left.term - right.term);
}
