/** Who should acknowledge: one step at a time from the recorded setting to the wanted one. The core's walls judge each step again. */
import type { Request } from '../events.ts';
import { type GroupRecord, isAnchored, LONE, type NodeName, sameSet, type VoterSet } from '../record.ts';
import type { Timing } from '../timing.ts';

/** One other member, as the leader sees it. */
export interface MemberFacts {
  node: NodeName;
  zone: string;
  /** Its agent is heard. */
  alive: boolean;
  /** Its agent says that its PostgreSQL is down, or has no data: it could neither acknowledge nor lead. */
  isDown: boolean;
  /** It asked to be taken out of the voters. */
  leaves: boolean;
  /** It streams from this leader, under the name that counts in this term. */
  streams: boolean;
  /** Behind the leader's flushed position, bytes; null when it does not stream. */
  lagBytes: number | null;
  /** How long it has not been both heard and streaming; 0: it is. */
  missingMs: number;
}

export interface MembershipInput {
  record: GroupRecord;
  me: NodeName;
  /** Zone of the leader. */
  zone: string;
  durability: 'quorum' | 'strict' | 'async';
  /** Every other member of the group. */
  members: readonly MemberFacts[];
  /** Since the record changed last. */
  recordMs: number;
  /** Since an epoch was opened last, as far as this node knows. */
  quietMs: number;
  etcdReachable: boolean;
  timing: Timing;
}

export interface Proposal {
  request: Request;
  /** One sentence. */
  reason: string;
}

/** A standby that is further behind would make every commit wait until it has caught up. */
const CAUGHT_UP_BYTES = 16 * 1024 * 1024;

/** How many of `voters` have to acknowledge: half of them, so that as many may be lost. */
export function acksOf(voters: number): number {
  return Math.ceil(voters / 2);
}

/** What to ask of the core now; null: nothing. Asked of the recorded leader, again and again. */
export function membershipRequest(input: MembershipInput): Proposal | null {
  const { record, me } = input;
  if (record.leader !== me || record.phase === 'electing') return null;
  if (record.phase === 'promoting') return retarget(input, record.target ?? LONE);
  const [old = LONE, next] = record.guards;
  return next === undefined ? change(input, old) : reverse(input, old, next);
}

const isReady = ({ alive, streams, leaves }: MemberFacts): boolean => alive && streams && !leaves;

const isReachable = ({ alive, isDown, leaves }: MemberFacts): boolean => alive && !isDown && !leaves;

const setOf = (members: readonly { node: NodeName }[]): VoterSet => ({
  acks: acksOf(members.length),
  voters: members.map(({ node }) => node).sort(),
});

const says = ({ acks, voters }: VoterSet): string => (acks === 0 ? 'nobody' : `${acks} of ${voters.join(', ')}`);

/** Could it acknowledge at this moment? */
function isProvable({ members }: MembershipInput, { acks, voters }: VoterSet): boolean {
  return members.filter((member) => isReady(member) && voters.includes(member.node)).length >= acks;
}

function retarget(input: MembershipInput, target: VoterSet): Proposal | null {
  const { members, recordMs, timing } = input;
  if (isProvable(input, target)) return null;
  const reachable = members.filter(isReachable);
  const mayStillCome = reachable.filter(({ node }) => target.voters.includes(node)).length >= target.acks;
  // They only now learn whom to follow.
  if (mayStillCome && recordMs <= timing.voterGoneMs) return null;
  const streaming = members.filter(isReady);
  const better = streaming.length > 0 ? streaming : mayStillCome ? [] : reachable;
  if (better.length === 0) return mayStillCome ? null : lone(input, target, { kind: 'retarget', target: LONE });
  const set = setOf(better);
  if (sameSet(set, target)) return null;
  return { request: { kind: 'retarget', target: set }, reason: `the term cannot be anchored on ${says(target)}: now on ${says(set)}` };
}

/** Until the new setting is proven the leader waits for both. A needed voter may have died in between. */
function reverse(input: MembershipInput, old: VoterSet, next: VoterSet): Proposal | null {
  const { members, durability, recordMs, timing } = input;
  if (isProvable(input, next) || recordMs <= timing.voterGoneMs || !isProvable(input, old)) return null;
  // Strict blocks rather than go back to nobody, unless that is the way to somebody else.
  const isStep = members.some((member) => isReady(member) && !next.voters.includes(member.node));
  if (old.acks === 0 && durability === 'strict' && !isStep) return null;
  return { request: { kind: 'reverse' }, reason: `${says(next)} cannot acknowledge: back to ${says(old)}` };
}

/** A change of the voters that can be neither ended nor reversed with the members that are there, also while an election interrupts it. */
export function isStandstill(input: MembershipInput): boolean {
  const { record, me } = input;
  if (record.leader !== me || !isAnchored(record) || record.guards.length !== 2) return false;
  return record.guards.every((guard) => !isProvable(input, guard));
}

/**
 * Why the leader's server has to stop at once; null: it has not to. Its next term keeps both settings as guards and acknowledges nothing
 * before it is anchored: so it may be anchored on whoever lives, or on nobody by the rules for that. `strict` goes on waiting for its voters
 * when there is nobody else.
 * @param stuckMs for how long without a break it has been a standstill.
 */
export function wayOut(input: MembershipInput, stuckMs: number): string | null {
  const { record, members, durability, etcdReachable, timing } = input;
  if (!isStandstill(input) || record.phase !== 'open' || !etcdReachable || stuckMs <= timing.loneMs) return null;
  if (durability === 'strict' && !members.some(isReachable)) return null;
  const [old, next] = record.guards.map(says);
  return `the change from ${old} to ${next} could be proven neither way for ${timing.loneMs} ms: PostgreSQL stops at once, and a new term is anchored on who is there`;
}

function change(input: MembershipInput, guard: VoterSet): Proposal | null {
  const { members, timing } = input;
  const isVoting = ({ node }: MemberFacts): boolean => guard.voters.includes(node);
  const isLost = ({ leaves, missingMs }: MemberFacts): boolean => leaves || missingMs > timing.voterGoneMs;
  const hasCaughtUp = (member: MemberFacts): boolean => isReady(member) && (member.lagBytes ?? Number.POSITIVE_INFINITY) <= CAUGHT_UP_BYTES;
  const able = members.filter((member) => (isVoting(member) ? !isLost(member) : hasCaughtUp(member)));
  const wanted = setOf(overZones(able, input.zone, isVoting));
  if (wanted.voters.length === 0) return lone(input, guard, { kind: 'change', set: LONE });
  const set = nextStep(input, guard, wanted);
  if (set === null || sameSet(set, guard) || !isProvable(input, set)) return null;
  const why = guard.acks === 0 ? 'the leader is alone no more' : `from ${says(guard)} on the way to ${says(wanted)}`;
  return { request: { kind: 'change', set }, reason: `${why}: ${says(set)}` };
}

/**
 * So many of the leader's own zone that whoever acknowledges, one of them is in another zone: a commit survives the loss of either.
 * All of them when there is nobody elsewhere.
 */
function overZones(able: readonly MemberFacts[], zone: string, isVoting: (member: MemberFacts) => boolean): MemberFacts[] {
  const elsewhere = able.filter((member) => member.zone !== zone);
  const here = able
    .filter((member) => member.zone === zone)
    .sort((left, right) => Number(isVoting(right)) - Number(isVoting(left)) || (left.node < right.node ? -1 : 1));
  if (elsewhere.length === 0) return here;
  let count = here.length;
  while (count >= acksOf(elsewhere.length + count)) count--;
  return [...elsewhere, ...here.slice(0, count)];
}

/** First add: it helps a leader that waits. Then fewer acknowledgements where the rest could not give them, then remove, last the number. */
function nextStep({ members }: MembershipInput, guard: VoterSet, wanted: VoterSet): VoterSet | null {
  if (guard.acks === 0) return wanted;
  const added = wanted.voters.filter((node) => !guard.voters.includes(node));
  if (added.length > 0) return { acks: guard.acks, voters: [...guard.voters, ...added].sort() };
  const rest = guard.voters.filter((node) => wanted.voters.includes(node));
  if (rest.length === guard.voters.length) return wanted;
  const able = members.filter((member) => isReady(member) && rest.includes(member.node)).length;
  if (able < guard.acks) return able === 0 ? null : { acks: able, voters: guard.voters };
  return { acks: guard.acks, voters: rest };
}

/** To acknowledge without anybody: only when nobody could, for long, and nobody tries to lead. */
function lone({ members, durability, quietMs, etcdReachable, timing }: MembershipInput, from: VoterSet, request: Request): Proposal | null {
  if (durability === 'strict' || from.acks === 0 || !etcdReachable || quietMs <= timing.loneMs) return null;
  const mayVote = members.some(({ alive, isDown, missingMs }) => (alive && !isDown) || missingMs <= timing.loneMs);
  if (mayVote) return null;
  return { request, reason: `${says(from)} are gone for ${timing.loneMs} ms: the leader acknowledges alone, one more loss loses writes` };
}
