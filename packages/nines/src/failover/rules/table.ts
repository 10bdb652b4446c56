/** Every rule in order: the first whose situation is there and whose walls do not stand decides. */
import { ASK, FORCE, OPEN_EPOCH, REFUTE, REST_TO_TAKE_OVER, TAKE, TAKE_OVER } from './election.ts';
import { CLEAR_TAINT, COUNT, FOLLOW, FOLLOW_UNCOUNTED, NOTHING, REBUILD, REINIT, REST } from './following.ts';
import { ADMIT, CLEAR_OWN_TAINT, HAND_OVER, OPEN, PROMOTE, REST_TO_LEAD, RETAKE, SHUT_DOWN } from './leadership.ts';
import { BEGIN_CHANGE, END_CHANGE, PROVE, RELOAD, RETARGET, REVERSE_CHANGE } from './membership.ts';
import { ANSWER, DECLINE, DEMOTE, FENCE, OBEY, READ, READ_AGAIN, REST_TO_OBEY, START, START_AFTER_HANDOVER } from './promise.ts';
import type { Rule } from './rule.ts';

export const RULES: readonly Rule[] = [
  ...[START, ANSWER, FENCE, READ, READ_AGAIN, DEMOTE, DECLINE, START_AFTER_HANDOVER, OBEY, REST_TO_OBEY],
  ...[TAKE, REFUTE, TAKE_OVER, REST_TO_TAKE_OVER, FORCE, ASK, OPEN_EPOCH],
  ...[PROMOTE, RETAKE, REST_TO_LEAD, OPEN, CLEAR_OWN_TAINT, ADMIT, SHUT_DOWN, HAND_OVER],
  ...[RETARGET, BEGIN_CHANGE, REVERSE_CHANGE, END_CHANGE, RELOAD, PROVE],
  ...[REINIT, REST, CLEAR_TAINT, REBUILD, FOLLOW_UNCOUNTED, FOLLOW, COUNT],
  NOTHING,
];

/** The table for people: number, name, phases, reason, and behind it the walls. */
export function describeRules(): string[] {
  return RULES.map(({ number, name, phases, says, walls }) => {
    const where = phases === 'all' || phases.length === 3 ? 'any phase' : phases.join(', ');
    const named = Object.keys(walls).join(', ');
    return `${String(number).padStart(2)} ${name.padEnd(21)} ${where.padEnd(20)} ${says}${named === '' ? '' : ` [${named}]`}`;
  });
}
