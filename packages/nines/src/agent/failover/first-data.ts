/** From an agent that starts to a member that the core can drive: its data is there, and belongs to the recorded group. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FirstTime } from '../../engines/engine.ts';
import type { FoundMember, PostgresControl } from '../../engines/postgres/control.ts';
import type { LogEnd } from '../../failover/log.ts';
import { isVoter, LONE, type NodeName, type RecordView } from '../../failover/record.ts';
import { firstRecord } from '../../failover/transitions.ts';
import { messageOf } from '../message-of.ts';
import type { SwapOutcome } from './record-link.ts';

const LOOK_MS = 100;
/** After an error, which is most likely still there. */
const RETRY_MS = 500;

export interface FirstDataOptions {
  me: NodeName;
  group: string;
  isInitialLeader: boolean;
  control: Pick<PostgresControl, 'hasData' | 'initialise' | 'clone' | 'boot' | 'execute'>;
  firstTime: FirstTime;
  /** Undefined until etcd was read for the first time; null: no record. */
  record(): RecordView | null | undefined;
  swapFirst(record: RecordView['record']): Promise<SwapOutcome>;
  /** Whether there is data, as soon as it is known. */
  data(isThere: boolean): void;
  /** What it waits for, or does. */
  say(reason: string): void;
  signal: AbortSignal;
}

/** Under this name the cluster remembers that the group had a record: a second one would forget who may lead. */
export const firstRecordOf = (group: string): string => `postgres/${group}/record`;

/** Resolves when the core may start; waits for as long as it may not, and says why. Rejects by the signal only. */
export async function prepareMember(options: FirstDataOptions): Promise<FoundMember> {
  const { signal, say } = options;
  for (;;) {
    signal.throwIfAborted();
    let waitMs = LOOK_MS;
    try {
      const found = await tryOnce(options);
      if (typeof found !== 'string') return found;
      say(found);
    } catch (error) {
      signal.throwIfAborted();
      say(messageOf(error));
      waitMs = RETRY_MS;
    }
    await delay(waitMs, undefined, { signal, ref: false });
  }
}

/** The member, or what stands in its way; empty data that were just made: the next try finds them. */
async function tryOnce(options: FirstDataOptions): Promise<FoundMember | string> {
  const { control, signal, data } = options;
  const isThere = await control.hasData();
  data(isThere);
  if (!isThere) return await makeData(options);
  const found = await control.boot(signal);
  const view = options.record();
  // Whoever follows has promised, and the first leader promises before it leads: with a promise, etcd may come later.
  const isNew = found.promise === 0 && found.taint === 0;
  if (view === undefined && isNew) return 'waits for etcd: whether the group has a leader is not known';
  if (view === null) return await makeRecord(options, found, isNew);
  if (view !== undefined && view.record.systemId !== found.systemId) {
    return `its data is of another database (${found.systemId}) than the group's (${view.record.systemId}): it is left as it is, and not used`;
  }
  // Interrupted between the first record and the promise.
  return isNew && view?.record.leader === options.me ? await promiseFirst(options, found, view.record.epoch) : found;
}

async function makeData(options: FirstDataOptions): Promise<string> {
  const { me, control, signal, isInitialLeader } = options;
  const view = options.record();
  if (view === undefined) return 'waits for etcd: without it nobody knows where the data is';
  if (view === null) {
    if (!isInitialLeader) return 'waits for the first leader to make the first data';
    options.say('makes the first data of the group');
    await control.initialise(signal);
    return 'has made the first data of the group';
  }
  const { record } = view;
  if (record.leader === me)
    return 'is the recorded leader, but its data is gone: an operator has to choose another with failover --allow-data-loss';
  if (isVoter(record, me)) return 'has lost its data and is still counted: waits until the leader has taken it out of the voters';
  if (record.phase !== 'open') return 'waits for a leader to copy';
  options.say(`copies the data of ${record.leader}`);
  await control.clone(record.leader, signal);
  return `has copied the data of ${record.leader}`;
}

async function makeRecord(options: FirstDataOptions, found: FoundMember, isNew: boolean): Promise<FoundMember | string> {
  const { me, group, control, signal, firstTime, isInitialLeader } = options;
  if (!isNew)
    return 'has data of a group that lived, but etcd has no record of it: etcd was set back or lost, and who led last is not known';
  if (!isInitialLeader) return 'has data, but etcd has no record of the group: waits for the first leader';
  if (!(await firstTime.mayBegin(firstRecordOf(group), signal)))
    return 'the group had a record once, and etcd has it no more: no second one is made';
  const resting = await rest(control, found, 0, signal);
  if (resting === null) return 'the end of the first log is not known yet';
  const record = firstRecord(found.systemId, me, LONE, resting.log);
  const swapped = await options.swapFirst(record);
  if (swapped.outcome !== 'done') return 'the first record was not written: it is looked at again';
  await firstTime.done(firstRecordOf(group), signal);
  return await promiseFirst(options, resting.member, record.epoch);
}

/**
 * Nobody asks the first leader for a promise. Without one its data would look, were etcd emptied later, as if nobody had ever led:
 * it would write a second first record, and take the group back to where its own log ends.
 */
async function promiseFirst({ control, signal }: FirstDataOptions, found: FoundMember, epoch: number): Promise<FoundMember | string> {
  if (found.postgres.mode === 'primary') return found;
  return (await rest(control, found, epoch, signal))?.member ?? 'the end of the own log is not known yet';
}

interface Resting {
  member: FoundMember;
  log: LogEnd;
}

/** As a standby that follows nobody, with `epoch` promised; null: that did not come about yet. */
async function rest(control: FirstDataOptions['control'], found: FoundMember, epoch: number, signal: AbortSignal): Promise<Resting | null> {
  if (found.postgres.mode === 'down' && (await control.execute({ kind: 'start' }, signal)).kind !== 'started') return null;
  const fenced = await control.execute({ kind: 'fence', epoch }, signal);
  if (fenced.kind !== 'fenced' || fenced.log === null) return null;
  const { promise, log } = fenced;
  return { member: { ...found, promise, postgres: { mode: 'standby', following: null, log } }, log };
}
