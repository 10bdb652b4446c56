/** What another agent sent, looked at before it is believed: an agent of another version, or a line that went wrong, must not stop this one. */
import { type GroupRecord, recordProblems } from '../../failover/record.ts';
import type { Heartbeat, PeerMessage } from '../../failover/heartbeat.ts';

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isNumberOrNull = (value: unknown): boolean => value === null || isNumber(value);

const HEARTBEAT: { [Key in keyof Heartbeat]: (value: unknown) => boolean } = {
  node: (value) => typeof value === 'string',
  sequence: isNumber,
  epoch: isNumber,
  term: isNumber,
  role: (value) => ['primary', 'standby', 'down', 'handed', 'empty'].includes(value as string),
  admitting: isBoolean,
  healthy: isBoolean,
  exited: isBoolean,
  pulses: isNumber,
  flushLsn: isNumberOrNull,
  replayLsn: isNumberOrNull,
  streamsTerm: isNumberOrNull,
  leaves: isBoolean,
  content: isBoolean,
  lagMs: isNumber,
};

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

/** @param nodes of the sender, by group: it speaks for its own member alone. Null: not to be believed. */
export function peerMessageOf(value: unknown, nodes: (group: string) => string | null): PeerMessage | null {
  if (!isObject(value) || typeof value['group'] !== 'string') return null;
  return isBelievable(value, nodes(value['group'])) ? (value as unknown as PeerMessage) : null;
}

function isBelievable(value: Fields, node: string | null): boolean {
  switch (value['kind']) {
    case 'heartbeat':
      return isHeartbeat(value['heartbeat']) && value['heartbeat'].node === node;
    case 'core':
      return isCoreMessage(value['message']) && value['message']['from'] === node;
    case 'record':
      return isView(value['view']);
    case 'pre-vote':
      return node !== null && isNumber(value['id']) && isNumber(value['epoch']);
    case 'pre-vote-answer':
      return node !== null && isNumber(value['id']) && ['leaderAdvanced', 'walMoved', 'isSilent'].every((key) => isBoolean(value[key]));
    default:
      return false;
  }
}

function isHeartbeat(value: unknown): value is Heartbeat {
  return isObject(value) && Object.entries(HEARTBEAT).every(([key, holds]) => holds(value[key]));
}

function isCoreMessage(value: unknown): value is Fields {
  if (!isObject(value) || !isNumber(value['epoch'])) return false;
  if (value['kind'] === 'ask') return true;
  const log = value['log'];
  return (
    value['kind'] === 'promise' && typeof value['systemId'] === 'string' && isObject(log) && isNumber(log['term']) && isNumber(log['lsn'])
  );
}

function isView(value: unknown): boolean {
  return isObject(value) && isNumber(value['revision']) && isRecord(value['record']);
}

/** Also of what stands in etcd: whoever wrote it may be an agent of another version, or a hand. */
export function isRecord(value: unknown): value is GroupRecord {
  if (!isObject(value) || typeof value['systemId'] !== 'string' || !isNumber(value['epoch']) || !isNumber(value['term'])) return false;
  try {
    return recordProblems(value as unknown as GroupRecord).length === 0;
  } catch {
    return false; // Fields that are not there at all.
  }
}
