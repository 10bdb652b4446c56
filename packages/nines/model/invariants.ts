/** What must hold in every world that can be reached. */
import { holds } from '../src/failover/log.ts';
import { isAnchored, recordProblems, sameSet } from '../src/failover/record.ts';
import { type Host, hostOf, type World } from './world.ts';

/** The first promise that is broken in this world, or null. `allowsLoss`: acknowledged writes may be gone. */
export function violation(world: World, allowsLoss = false): string | null {
  const lost = allowsLoss ? null : ackViolation(world);
  return world.broken ?? recordProblems(world.etcd.record)[0] ?? timelineViolation(world) ?? lost ?? hostViolation(world);
}

function timelineViolation({ tree, etcd }: World): string | null {
  for (const { term, node, parent, fork } of tree) {
    const recorded = etcd.record.timelines.find((each) => each.term === term);
    if (recorded === undefined) return `timeline ${term} was never given out`;
    if (recorded.node !== node || recorded.parent !== parent || recorded.fork !== fork)
      return `timeline ${term} forked elsewhere than recorded`;
  }
  return null;
}

function ackViolation(world: World): string | null {
  const leader = hostOf(world, world.etcd.record.leader);
  for (const { term, lsn, replicated } of world.acked) {
    // Stronger than "in the log of every later open leader": it holds from the swap that names the leader on, at every moment.
    if (!holds(world.tree, leader.disk.log, { term, lsn }))
      return `acknowledged write ${term}/${lsn} is not in the log of leader ${leader.core.me}`;
    const copies = world.hosts.filter(({ disk }) => holds(world.tree, disk.log, { term, lsn: replicated })).length;
    if (replicated > 0 && copies < 2) return `acknowledged write ${term}/${replicated} is on ${copies} host`;
  }
  return null;
}

function hostViolation(world: World): string | null {
  for (const host of world.hosts) {
    const problem = standbyViolation(host) ?? primaryViolation(world, host);
    if (problem !== null) return problem;
  }
  return null;
}

function standbyViolation({ core, server, disk }: Host): string | null {
  const isCounted = server.mode === 'standby' && server.link?.counted === true;
  return isCounted && disk.taint !== 0 ? `${core.me} is tainted and counts` : null;
}

function primaryViolation({ etcd: { record } }: World, { core, server, disk }: Host): string | null {
  if (server.mode !== 'primary') return null;
  if (server.senders.some(({ flush }) => flush > disk.log.lsn)) return `a standby reported more flushed than ${core.me} has`;
  if (record.leader !== core.me || record.term !== server.term) return null;
  if (server.admitting && !isAnchored(record)) return `${core.me} admits clients before its term is open`;
  // While promoting nobody is acknowledged: there the record may be ahead of the setting.
  if (!isAnchored(record) || record.guards.some((set) => sameSet(set, server.setting))) return null;
  return `${core.me} has a setting that is not recorded`;
}
