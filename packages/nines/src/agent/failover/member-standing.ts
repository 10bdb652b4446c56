/** What a member's situation means for whoever waits for the unit. Pure. */
import type { Observation } from '../../engines/engine.ts';
import type { GroupView } from '../../failover/group-view.ts';
import type { MemberHealth } from './groups.ts';

export interface MemberSituation {
  view: GroupView;
  /** Null: nothing was heard of the own member yet. */
  health: MemberHealth | null;
  /** What the core waits for, or does. */
  reason: string;
  /** A postmaster runs. */
  isRunning: boolean;
  /** A command is with it: a server that starts or stops does not answer. */
  isActing: boolean;
  /** The server's own figures of its last look; null: none. */
  figures: Observation['details'] | null;
}

export function memberStanding(situation: MemberSituation): Observation {
  const { view, health, reason, isRunning, isActing } = situation;
  const details = detailsOf(situation);
  const live = !isRunning || isActing || health === null || health.answers;
  const base = { live, waitsForOthers: true, details };
  if (health === null || health.role === 'down' || health.role === 'handed' || health.role === 'empty')
    return { ...base, ready: false, reason };
  if (health.role === 'primary')
    return { ...base, ready: health.admitting && health.proven, role: 'primary', reason: primaryWords(situation, health) };
  const leader = view.leader === null ? 'a leader' : view.leader.host;
  const lag = health.lagBytes === null ? 'an unknown number of' : String(health.lagBytes);
  const words = health.streaming ? `standby, ${lag} bytes behind ${leader}` : `standby that does not stream: ${reason}`;
  return { ...base, ready: health.streaming, role: 'standby', reason: words };
}

function primaryWords({ view, reason }: MemberSituation, { admitting, proven, term }: MemberHealth): string {
  if (!admitting) return `primary of term ${term}, not open for clients yet: ${reason}`;
  if (!proven) return `primary of term ${term}, whose leadership is not proven now: no quorum acknowledges, and etcd does not confirm it`;
  if (view.lone) return `primary of term ${term}, alone: no standby holds what it acknowledges`;
  const counted = view.replicas.filter((replica) => replica.counted).length;
  return `primary of term ${term} with ${view.replicas.length} streaming standbys, ${counted} of them voters`;
}

function detailsOf({ view, health, figures }: MemberSituation): NonNullable<Observation['details']> {
  const details: NonNullable<Observation['details']> = { ...figures, term: view.term, epoch: view.epoch, phase: view.phase };
  if (health === null) return details;
  if (health.flushLsn !== null) details['flushPosition'] = health.flushLsn;
  if (health.role === 'standby' && health.lagBytes !== null) details['lagBytes'] = health.lagBytes;
  if (health.role === 'standby') details['counted'] = health.counted;
  if (health.role === 'primary') {
    details['lone'] = view.lone;
    details['voters'] = view.replicas.filter((replica) => replica.counted).length;
  }
  if (view.paused) details['paused'] = true;
  return details;
}
