/** What a group that was healed must come back to. */
import type { NodeName } from '../../src/failover/record.ts';
import { sameSet } from '../../src/failover/record.ts';
import type { Agents } from './agents.ts';
import type { Simulation } from './simulation.ts';

/** What keeps the group from being whole: one open leader that admits clients, everybody else follows and counts, policy has no wish. */
export function illness(simulation: Simulation, agents: Agents): string | null {
  const { world, names } = simulation;
  const { record } = world.etcd;
  if (names.some((name) => simulation.isOff(name))) return 'a host is off';
  const held = unserved(simulation);
  if (held !== null) return held;
  const [guard] = record.guards;
  if (guard === undefined || record.guards.length !== 1) return 'a change is not finished';
  if (guard.acks === 0) return 'the leader is alone';
  const { server } = simulation.host(record.leader);
  if (server.mode !== 'primary' || !sameSet(server.setting, guard)) return 'the setting is not the recorded one';
  const wish = agents.proposal(record.leader);
  if (wish !== null) return wish.reason;
  const others = names.filter((name) => name !== record.leader);
  return others.map((name) => standbyIllness(simulation, agents, name)).find((each) => each !== null) ?? null;
}

/** What keeps clients from being served, or null. */
export function unserved(simulation: Simulation): string | null {
  const { record } = simulation.world.etcd;
  if (record.phase !== 'open') return `the record is ${record.phase}`;
  if (simulation.isOff(record.leader)) return 'the leader is off';
  const { server } = simulation.host(record.leader);
  if (server.mode !== 'primary' || server.term !== record.term) return 'the leader’s PostgreSQL is not primary';
  return server.admitting ? null : 'no clients are admitted';
}

const MOST_BEHIND = 10;

function standbyIllness(simulation: Simulation, agents: Agents, name: NodeName): string | null {
  const { record } = simulation.world.etcd;
  const { server, core } = simulation.host(name);
  const { server: source, disk } = simulation.host(record.leader);
  if (core.suspected) return `${name} suspects the leader: ${agents.explain(name)}`;
  const link = server.mode === 'standby' ? server.link : null;
  if (link?.leader !== record.leader || link.term !== record.term || !link.counted) return `${name} does not follow`;
  const sender = source.mode === 'primary' ? source.senders.find(({ to }) => to === name) : undefined;
  return sender?.counted === true && disk.log.lsn - sender.flush <= MOST_BEHIND ? null : `${name} does not stream`;
}

/** Whether writes are acknowledged, by being looked at again and again. */
export class Progress {
  #term = 0;
  #lsn = 0;
  #sinceMs = Number.POSITIVE_INFINITY;

  look(simulation: Simulation): void {
    const { world, nowMs } = simulation;
    const { term } = world.etcd.record;
    const lsn = world.acked.find((each) => each.term === term)?.lsn ?? 0;
    const isServing = unserved(simulation) === null && term === this.#term && lsn > this.#lsn;
    if (!isServing) this.#sinceMs = Number.POSITIVE_INFINITY;
    else if (this.#sinceMs === Number.POSITIVE_INFINITY) this.#sinceMs = nowMs;
    [this.#term, this.#lsn] = [term, lsn];
  }

  /** For how long, at every look, something more was acknowledged. */
  servedMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#sinceMs);
  }
}
