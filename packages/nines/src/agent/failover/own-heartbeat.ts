/** What this member tells the others of itself. Pure. */
import type { MemberSight } from '../../engines/postgres/control.ts';
import type { Heartbeat } from '../../failover/heartbeat.ts';
import { type GroupRecord, isAnchored } from '../../failover/record.ts';
import type { NodeState } from '../../failover/state.ts';

export interface OwnSituation {
  node: string;
  sequence: number;
  /** Null: there is no data yet. */
  state: NodeState | null;
  /** The newest that is known: the core forgets its own when it has to read it again. */
  record: GroupRecord | null;
  /** The newest look; null: none yet. */
  sight: MemberSight | null;
  pulses: number;
  /** Greatest term whose primary ended here without an order. */
  exitedTerm: number;
  /** New clients are turned away already, for a switchover. */
  isClosing: boolean;
  leaves: boolean;
  content: boolean;
  lagMs: number;
  /** Its last call was answered. */
  etcdReachable: boolean;
}

export function ownHeartbeat({ state, record, sight, exitedTerm, isClosing, etcdReachable, ...rest }: OwnSituation): Heartbeat {
  const postgres = state?.postgres ?? null;
  const following = postgres?.mode === 'standby' ? postgres.following : null;
  return {
    ...rest,
    epoch: record?.epoch ?? 0,
    term: postgres?.mode === 'primary' ? postgres.term : (record?.term ?? 0),
    role: postgres?.mode ?? 'empty',
    exited: state !== null && record !== null && hasExited(state, record, exitedTerm),
    admitting: postgres?.mode === 'primary' && postgres.admitting && !isClosing,
    healthy: sight?.answers === true && !isStranded(state, etcdReachable),
    flushLsn: sight?.flushLsn ?? null,
    replayLsn: sight?.replayLsn ?? null,
    streamsTerm: following !== null && sight?.streaming === true ? following.term : null,
  };
}

/** The recorded leader has no primary, and none on its way: also when its host has just come back. */
function hasExited({ me, postgres, acting }: NodeState, record: GroupRecord, exitedTerm: number): boolean {
  if (record.leader !== me || acting === 'shutDown') return false;
  const isWithout = postgres.mode === 'down' || postgres.mode === 'standby';
  return isWithout && (isAnchored(record) || exitedTerm === record.term);
}

/**
 * A new primary opens its term in etcd. One that cannot get there keeps everybody waiting, and nobody else would suspect it:
 * the simulator found groups that stayed so for ever.
 */
function isStranded(state: NodeState | null, etcdReachable: boolean): boolean {
  return state?.postgres.mode === 'primary' && !state.postgres.admitting && !etcdReachable;
}

/** Two heartbeats between which something happened that the others should know at once. */
export function isNewsBetween(left: Heartbeat, right: Heartbeat): boolean {
  const keys = ['role', 'epoch', 'term', 'admitting', 'exited', 'streamsTerm', 'leaves'] as const;
  return keys.some((key) => left[key] !== right[key]);
}
