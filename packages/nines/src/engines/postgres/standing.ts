/** What a server's figures mean. Pure. */
import type { Observation } from '../engine.ts';

export interface AttachedStandby {
  name: string;
  /** 'startup' | 'catchup' | 'streaming' | 'backup' | 'stopping' */
  state: string;
  /** 'quorum' when it is one of the ANY list, else 'async'. */
  syncState: string;
  /** Sent but not flushed there yet; null while it has reported nothing. */
  lagBytes: number | null;
}

export interface ServerState {
  standby: boolean;
  waitsForStandby: boolean;
  flushLsn: string | null;
  timeline: number | null;
  receiverStatus: string | null;
  /** How long this stream's process has been there. */
  receiverAgeMs: number | null;
  lagBytes: number | null;
  lagSeconds: number | null;
  standbys: AttachedStandby[];
  lostSlots: string[];
}

/**
 * A standby whose slot is lost asks again every 50 ms; each new receiver calls itself streaming for the moment until the
 * primary says that the WAL is gone. One that has lasted is believed.
 */
const BELIEVED_AFTER_MS = 150;

type Details = NonNullable<Observation['details']>;

export function standingOf(state: ServerState): Observation {
  return state.standby ? standbyStanding(state) : primaryStanding(state);
}

function primaryStanding(state: ServerState): Observation {
  const streaming = state.standbys.filter((standby) => standby.state === 'streaming');
  const acknowledging = streaming.filter((standby) => standby.syncState !== 'async');
  const details: Details = { ...position(state), standbys: streaming.length, acknowledging: acknowledging.length };
  for (const { name, state: phase, syncState, lagBytes } of state.standbys) {
    details[name] = `${phase}, ${syncState}, ${lagBytes ?? 'unknown'} bytes behind`;
  }
  const waits = state.waitsForStandby && acknowledging.length === 0;
  const standing = waits
    ? 'primary; commits wait, because no standby is there to confirm them'
    : `primary with ${streaming.length} streaming standbys`;
  const reason = `${standing}${lostWords(state.lostSlots)}`;
  if (state.lostSlots.length > 0) details['lostSlots'] = state.lostSlots.join(', ');
  // Waiting for a standby is the promise kept, not a defect of this process: it serves reads all the same.
  return { ready: true, live: true, role: 'primary', reason, details };
}

/** Such a standby never catches up by itself. */
function lostWords(slots: readonly string[]): string {
  return slots.length === 0 ? '' : `; the WAL that ${slots.join(' and ')} still needs is gone: to be cloned anew`;
}

function standbyStanding(state: ServerState): Observation {
  const details: Details = position(state);
  if (state.lagBytes !== null) details['lagBytes'] = state.lagBytes;
  if (state.lagSeconds !== null) details['lagSeconds'] = Math.max(0, Math.round(state.lagSeconds * 1000) / 1000);
  const ready = state.receiverStatus === 'streaming' && (state.receiverAgeMs ?? 0) >= BELIEVED_AFTER_MS;
  const reason = ready
    ? `standby, ${state.lagBytes ?? 'an unknown number of'} bytes behind the primary`
    : `standby without a lasting stream from the primary (receiver: ${state.receiverStatus ?? 'none'})`;
  return { ready, live: true, waitsForOthers: !ready, role: 'standby', reason, details };
}

function position(state: ServerState): Details {
  const details: Details = {};
  if (state.flushLsn !== null) details['flushLsn'] = state.flushLsn;
  if (state.timeline !== null) details['timeline'] = state.timeline;
  return details;
}
