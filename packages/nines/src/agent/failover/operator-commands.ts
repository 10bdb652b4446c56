/** What an operator may order of a group, through the agent that it concerns. Each answers at once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Request } from '../../failover/events.ts';
import type { Heartbeat } from '../../failover/heartbeat.ts';
import { type GroupRecord, isVoter, type NodeName } from '../../failover/record.ts';
import { clusterKeys, type PauseRecord } from '../../store/keys.ts';
import type { Store } from '../../store/store.ts';
import { messageOf } from '../message-of.ts';
import type { CommandAnswer, FailoverAction } from './groups.ts';
import type { GroupHub } from './group-hub.ts';
import type { FailoverMember } from './member.ts';
import type { ZonedPlace } from './places.ts';

const TRIES = 50;
const TRY_EVERY_MS = 20;

export interface CommandSurroundings {
  host: string;
  cluster: string;
  group: string;
  hub: GroupHub;
  /** This host's own node; null: none. */
  me: NodeName | null;
  places: readonly ZonedPlace[];
  store: Pick<Store, 'put'>;
  wallClock(): number;
}

export async function carryOutCommand(around: CommandSurroundings, action: FailoverAction, body: unknown): Promise<CommandAnswer> {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  switch (action) {
    case 'switchover':
      return await switchOver(around, fields['to']);
    case 'failover':
      return await failOver(around, fields);
    case 'pause':
    case 'resume':
      return await setPaused(around, action === 'pause');
    default:
      return reinit(around);
  }
}

const refused = (reason: string): CommandAnswer => ({ accepted: false, reason });

/** The voter that has most of the log, by what it said last; null: none is fit. */
export function bestVoter(record: GroupRecord, latest: (node: NodeName) => Heartbeat | null): NodeName | null {
  const fit = record.guards
    .flatMap(({ voters }) => voters)
    .flatMap((node) => {
      const heartbeat = latest(node);
      const isFit = heartbeat?.role === 'standby' && heartbeat.healthy && heartbeat.streamsTerm === record.term;
      return isFit ? [{ node, flushLsn: heartbeat.flushLsn ?? 0 }] : [];
    });
  return fit.toSorted((left, right) => right.flushLsn - left.flushLsn || (left.node < right.node ? -1 : 1))[0]?.node ?? null;
}

async function switchOver({ hub, me, places }: CommandSurroundings, wanted: unknown): Promise<CommandAnswer> {
  if (wanted !== null && wanted !== undefined && typeof wanted !== 'string') return refused("'to' is not the name of a host");
  const record = hub.member?.state?.view?.record;
  if (hub.member === null || record === undefined) return refused('this host has no member that knows the record of the group');
  if (record.leader !== me) return refused(`this host does not lead the group: ${hostOf(places, record.leader)} does`);
  const to = typeof wanted === 'string' ? nodeOn(places, wanted) : bestVoter(record, (node) => hub.sight.latest(node));
  if (to === null) {
    return refused(typeof wanted === 'string' ? `${wanted} has no member of the group` : 'no voter is there that could lead');
  }
  if (to === me) return refused(`${hostOf(places, to)} leads already`);
  return await order(hub.member, { kind: 'switchover', to }, `${hostOf(places, to)} is to lead: the leader stops cleanly`);
}

async function failOver({ hub, me, host, places }: CommandSurroundings, fields: Record<string, unknown>): Promise<CommandAnswer> {
  if (fields['allowDataLoss'] !== true) return refused("'allowDataLoss' is not true: what only other members have would be lost");
  if (typeof fields['to'] !== 'string') return refused("'to' is not the name of a host");
  if (hub.member === null || nodeOn(places, fields['to']) !== me)
    return refused(`${host} is not ${fields['to']}: ask the agent of that host`);
  return await order(hub.member, { kind: 'force' }, `${host} takes the next term with the log that it has`);
}

function reinit({ hub, me, places }: CommandSurroundings): CommandAnswer {
  const record = hub.member?.state?.view?.record;
  if (hub.member === null || record === undefined) return refused('this host has no member that knows the record of the group');
  if (record.leader === me) return refused('this host leads the group: switch over first');
  hub.member.reinit();
  return { accepted: true, reason: `${leavesFirst(record, me)}copies the data of ${hostOf(places, record.leader)} anew` };
}

/** A leader does not go on alone because its last voter asks to be made anew: one more loss would be everything. */
function leavesFirst(record: GroupRecord, me: NodeName | null): string {
  if (me === null || !isVoter(record, me)) return '';
  const isLast = record.guards.every(({ voters }) => voters.every((node) => node === me));
  return isLast ? 'is the only voter: stays one until another member can acknowledge, then ' : 'is taken out of the voters, then ';
}

async function setPaused({ host, cluster, group, store, hub, wallClock }: CommandSurroundings, paused: boolean): Promise<CommandAnswer> {
  const value: PauseRecord = { paused, by: host, atMs: wallClock() };
  try {
    await store.put(clusterKeys(cluster).postgresPause(group).path, value);
  } catch (error) {
    return refused(`etcd could not be told: ${messageOf(error)}`);
  }
  hub.link.read();
  return { accepted: true, reason: paused ? 'no election begins by suspicion until it is resumed' : 'elections begin by suspicion again' };
}

/** Again for a moment: most of what stands in its way passes, a command without an answer, a change of the voters under way. */
async function order(member: FailoverMember, request: Request, happens: string): Promise<CommandAnswer> {
  for (let tries = 1; ; tries += 1) {
    const answer = member.request(request);
    if (answer === null) return refused('the member is not ready for orders yet');
    if (answer.accepted) return { accepted: true, reason: happens };
    if (tries === TRIES) return refused(answer.reason);
    await delay(TRY_EVERY_MS);
  }
}

function nodeOn(places: readonly ZonedPlace[], host: string): NodeName | null {
  return places.find((place) => place.host === host)?.node ?? null;
}

function hostOf(places: readonly ZonedPlace[], node: NodeName): string {
  return places.find((place) => place.node === node)?.host ?? node;
}
