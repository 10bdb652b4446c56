/** What the figures of INFO mean. Pure. */
import type { Observation } from '../engine.ts';

type Info = Record<string, string>;
type Details = NonNullable<Observation['details']>;

/** @param info of the sections replication, persistence and memory. */
export function redisStanding(info: Info): Observation {
  if (info['loading'] === '1') return { ready: false, live: true, reason: 'loads its data' };
  const memory = Number(info['used_memory'] ?? 0);
  return info['role'] === 'master' ? masterStanding(info, memory) : replicaStanding(info, memory);
}

function masterStanding(info: Info, usedMemoryBytes: number): Observation {
  const replicas = Object.entries(info).filter(([name, value]) => /^slave\d+$/.test(name) && value.includes('state=online')).length;
  const enough = info['min_slaves_good_slaves'];
  const takesWrites = enough === undefined || Number(enough) > 0;
  const details: Details = { replicas, takesWrites, offset: Number(info['master_repl_offset'] ?? 0), usedMemoryBytes };
  const reason = takesWrites ? `master with ${replicas} replicas` : 'master; refuses writes, because no replica is in reach';
  return { ready: true, live: true, role: 'master', reason, details };
}

function replicaStanding(info: Info, usedMemoryBytes: number): Observation {
  const master = `${info['master_host']}:${info['master_port']}`;
  const ready = info['master_link_status'] === 'up';
  const details: Details = { master, offset: Number(info['slave_repl_offset'] ?? 0), usedMemoryBytes };
  const silentSeconds = Number(info['master_last_io_seconds_ago'] ?? -1);
  if (ready && silentSeconds >= 0) details['silentSeconds'] = silentSeconds;
  const unread = Number(info['slave_read_repl_offset'] ?? 0) - Number(info['slave_repl_offset'] ?? 0);
  if (ready) details['lagBytes'] = Math.max(0, unread);
  const syncing = info['master_sync_in_progress'] === '1';
  const reason = ready ? `replica of ${master}` : `replica of ${master}, ${syncing ? 'which it copies now' : 'which it does not reach'}`;
  return { ready, live: true, waitsForOthers: !ready, role: 'replica', reason, details };
}
