/** What an agent finds of its member when it starts. What is sound goes on; what may be half-way to somewhere is stopped. */
import { readFile } from 'node:fs/promises';
import type { Postgres } from '../../../failover/state.ts';
import { applicationName, parseApplicationName } from '../application-name.ts';
import type { FoundMember } from '../control.ts';
import { settleDirectories } from '../data-directory.ts';
import { readDurable } from '../durable/failover-file.ts';
import { endingBy, type Member } from '../member.ts';
import { isAdmitting, writeAdmission } from '../primary/admission.ts';
import { loadNames } from '../primary/leadership.ts';
import { parseStandbyNames } from '../primary/names.ts';
import { endOfLog } from './end-of-log.ts';
import { rest } from './fence.ts';
import { readControlData } from './log/control-data.ts';
import { patiently } from './patience.ts';
import { ask, hangUp } from './query.ts';
import { startFenced } from './start-fenced.ts';
import { stopAtOnce } from './stop-at-once.ts';

interface Running {
  standby: boolean;
  /** Of a primary. */
  timeline: number;
  standbyNames: string;
  /** Of the receiver that streams; null: none does. */
  conninfo: string | null;
}

const RUNNING = `select pg_is_in_recovery() as "standby",
  case when pg_is_in_recovery() then 0
    else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int end as "timeline",
  current_setting('synchronous_standby_names') as "standbyNames",
  (select conninfo from pg_stat_wal_receiver where status = 'streaming') as "conninfo"`;

/** @throws NinesError E_PROMISE_LOST, E_DATA_FOREIGN: this member must not take part. */
export async function boot(member: Member, signal: AbortSignal): Promise<FoundMember> {
  const m = { ...member, io: endingBy(member.io, signal) };
  await settleDirectories(m, signal);
  const { promise, taint } = await readDurable(m);
  const { systemId } = await readControlData(m.layout.dataDir, m.io, signal);
  return { systemId, promise, taint, postgres: await findServer(m, taint, signal) };
}

async function findServer(m: Member, taint: number, signal: AbortSignal): Promise<Postgres> {
  hangUp(m);
  if (m.server.pid === null) return { mode: 'down' };
  const running = await patiently(async () => (await ask<Running>(m, RUNNING, signal))[0], {
    isRunning: () => m.server.pid !== null,
    log: (message) => m.io.log(message),
    signal,
  });
  // It may be frozen, or half-way to somewhere.
  if (running === null || running === undefined) {
    await stopAtOnce(m, signal);
    return { mode: 'down' };
  }
  if (!running.standby) return findPrimary(m, running, signal);
  // A promotion that an earlier agent ordered may still be on its way: only a stop calls it back.
  if (taint !== 0) {
    m.io.log('a standby that was to be promoted: it is started anew');
    await stopAtOnce(m, signal);
    await startFenced(m, signal);
    return { mode: 'standby', following: null, log: await endOfLog(m, signal) };
  }
  return findStandby(m, running, signal);
}

async function findPrimary(m: Member, { timeline, standbyNames }: Running, signal: AbortSignal): Promise<Postgres> {
  const setting = parseStandbyNames(standbyNames, timeline);
  if (setting === null) {
    m.io.log(`a primary with the setting '${standbyNames}', which is none of ours: it is stopped`);
    await stopAtOnce(m, signal);
    return { mode: 'down' };
  }
  const admitting = await isAdmitting(m, signal);
  // An agent that died may have written what it never told the server: the next signal, whoever sends it, would put that in force.
  writeAdmission(m, admitting);
  await loadNames(m, standbyNames, signal);
  return { mode: 'primary', term: timeline, setting, proven: false, admitting };
}

/** It goes on receiving when the receiver that runs is the very one that the service file asks for; else nothing is received. */
async function findStandby(m: Member, { conninfo }: Running, signal: AbortSignal): Promise<Postgres> {
  const following = conninfo === null ? null : await followed(m, conninfo);
  if (following !== null) return { mode: 'standby', following, log: null };
  await rest(m, signal);
  return { mode: 'standby', following: null, log: await endOfLog(m, signal) };
}

async function followed(m: Member, conninfo: string): Promise<{ leader: string; term: number; counted: boolean } | null> {
  const service = await readFile(m.layout.serviceFile, 'utf8').catch(() => '');
  const wanted = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(service)?.[1];
  const running = (name: string) => new RegExp(`(?:^| )${name}=(\\S+)`).exec(conninfo)?.[1];
  const [host, name] = [wanted('host'), parseApplicationName(wanted('application_name') ?? '')];
  const leader = m.group.members.find(({ address }) => address === host);
  if (name === null || leader === undefined || name.node !== m.member.replicaName) return null;
  if (running('host') !== host || running('application_name') !== applicationName(name)) return null;
  return { leader: leader.replicaName, term: name.term, counted: name.counted };
}
