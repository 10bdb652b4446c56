/** The members of one PostgreSQL group on three loopback addresses, each driven by hand in place of its agent. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineIo, KeptClients } from '../../packages/nines/src/agent/engine-io.ts';
import { materialise } from '../../packages/nines/src/agent/files.ts';
import { isAlive, signalProcess } from '../../packages/nines/src/agent/process.ts';
import { type Spawned, spawnUnit } from '../../packages/nines/src/agent/spawn.ts';
import type { UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { withConnection } from '../../packages/nines/src/engines/postgres/connection.ts';
import type { PostgresControl, ServerProcess } from '../../packages/nines/src/engines/postgres/control.ts';
import { killProcessesIn } from '../../packages/nines/src/engines/postgres/leftovers.ts';
import { type Member, memberOf } from '../../packages/nines/src/engines/postgres/member.ts';
import { createPostgresControl } from '../../packages/nines/src/engines/postgres/member-control.ts';
import { parseLsn } from '../../packages/nines/src/engines/postgres/lsn.ts';
import { planPostgres, postgresPassword } from '../../packages/nines/src/engines/postgres/plan.ts';
import { historyFileName, parseHistory } from '../../packages/nines/src/engines/postgres/primary/history.ts';
import { serverChildren, signalIfThere } from '../../packages/nines/src/engines/postgres/primary/server-children.ts';
import { removeTree } from '../../packages/nines/src/engines/postgres/remove-tree.ts';
import { follow } from '../../packages/nines/src/engines/postgres/standby/follow.ts';
import type { PostgresCommand } from '../../packages/nines/src/failover/commands.ts';
import type { LogEnd } from '../../packages/nines/src/failover/log.ts';
import { LONE } from '../../packages/nines/src/failover/record.ts';
import { eventually, type TestCluster, testCluster } from './data-engine-cluster.ts';

export interface TestMember extends Member {
  logFile: string;
  /** What the member logged. */
  said: string[];
  /** As the superuser, without waiting for any standby. */
  sql<Row extends object = Record<string, unknown>>(text: string): Promise<Row[]>;
  /** The postmaster alone; resolves when it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Its data and promises are gone. */
  erase(): Promise<void>;
}

interface EndableMember extends TestMember {
  end(): Promise<void>;
}

export interface TestMembers {
  cluster: TestCluster;
  members: [TestMember, TestMember, TestMember];
  end(): Promise<void>;
}

/** Nothing runs yet, nobody has data. */
export async function postgresMembers(network: string): Promise<TestMembers> {
  const group = { replicas: 3, durability: 'quorum' as const, port: 5432, database: 'orders', parameters: {} };
  const cluster = await testCluster({ postgres: { main: group }, leader: 0, engines: ['postgres'], network });
  const member = (ordinal: number) => testMember(cluster.context('postgres', ordinal));
  const members: [EndableMember, EndableMember, EndableMember] = [member(0), member(1), member(2)];
  const end = async () => {
    await Promise.all(members.map((each) => each.end()));
    cluster.remove();
  };
  return { cluster, members, end };
}

/** A server that leads alone and admits the application: the group's first data, its roles and its database. */
export async function lonePrimary(context: UnitContext): Promise<EndableMember> {
  const member = testMember(context);
  const control = createPostgresControl({ context, server: member.server, io: member.io });
  const signal = AbortSignal.timeout(60_000);
  const node = member.member.replicaName;
  try {
    const { end } = await control.initialise(signal);
    const timelines = [
      { term: end.term, node, parent: 0, fork: 0 },
      { term: end.term + 1, node, parent: end.term, fork: end.lsn },
    ];
    const commands: PostgresCommand[] = [
      { kind: 'start' },
      { kind: 'fence', epoch: 1 },
      { kind: 'promote', term: end.term + 1, timelines, setting: LONE },
      { kind: 'admit' },
    ];
    for (const command of commands) {
      const event = await control.execute(command, signal);
      if (event.kind === 'failed') throw new Error(`${command.kind} failed: ${member.said.at(-1)}\n${tailOf(member)}`);
    }
    return { ...member, end: () => endOf(control, member) };
  } catch (error) {
    await endOf(control, member);
    throw error;
  }
}

async function endOf(control: PostgresControl, member: EndableMember): Promise<void> {
  control.close();
  await member.end();
}

function testMember(context: UnitContext): EndableMember {
  const plan = planPostgres(context);
  const logFile = join(context.paths.dataDir, 'logs', `${plan.name}.log`);
  const life = new AbortController();
  const clients = new KeptClients();
  const said: string[] = [];
  const firstTime = { mayBegin: async () => true, done: async () => undefined };
  const io = engineIo({ clients, firstTime, log: (message) => said.push(message) }, life.signal);
  materialise(plan);
  const server = serverProcess(() => spawnUnit(plan, logFile));
  const member = memberOf({ context, server, io });
  return {
    ...member,
    logFile,
    said,
    sql: (text) =>
      withConnection(context, { timeoutMs: 10_000, signal: life.signal }, async (connection) => {
        await connection.query("set synchronous_commit = 'local'");
        return connection.query(text);
      }),
    kill: async (signal) => {
      server.kill(signal);
      await server.gone(AbortSignal.timeout(10_000));
    },
    erase: async () => {
      for (const path of [member.layout.dataDir, member.layout.failoverFile]) await removeTree(path, io);
    },
    end: async () => {
      clients.dropAll();
      server.kill('SIGKILL');
      await server.gone(AbortSignal.timeout(10_000));
      await killProcessesIn(member.layout.dataDir);
      life.abort();
    },
  };
}

function serverProcess(start: () => Promise<Spawned>): ServerProcess {
  let spawned: Spawned | null = null;
  return {
    get pid() {
      return spawned === null ? null : spawned.id.pid;
    },
    spawn: async () => {
      if (spawned !== null) throw new Error('runs already');
      const started = await start();
      spawned = started;
      void started.exited.then(() => {
        if (spawned === started) spawned = null;
      });
      if (!isAlive(started.id)) await started.exited;
    },
    kill: (signal) => {
      if (spawned !== null) signalProcess(spawned.id, signal);
    },
    gone: async (signal) => {
      if (spawned === null) return;
      await Promise.race([spawned.exited, new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true }))]);
    },
  };
}

export const soon = (ms = 30_000): AbortSignal => AbortSignal.timeout(ms);

export async function timed<Result>(work: () => Promise<Result>): Promise<{ result: Result; ms: number }> {
  const startedAt = performance.now();
  const result = await work();
  return { result, ms: Math.round((performance.now() - startedAt) * 10) / 10 };
}

type FollowWish = Omit<Extract<PostgresCommand, { kind: 'follow' }>, 'kind'>;

export const nodeOf = (m: TestMember): string => m.member.replicaName;

/** As PostgreSQL itself does it, with the roles and slots of the others. Where its new timeline began, by its own history file. */
export async function promoteByHand(m: TestMember): Promise<{ timeline: number; fork: LogEnd }> {
  await m.sql('select pg_promote(true, 10)');
  for (const { replicaName } of m.group.members) {
    if (replicaName === nodeOf(m)) continue;
    await m.sql(`do $$ begin
      if not exists (select from pg_roles where rolname = '${replicaName}') then
        create role ${replicaName} login replication password '${postgresPassword(m.context, replicaName)}'; end if;
      if not exists (select from pg_replication_slots where slot_name = '${replicaName}') then
        perform pg_create_physical_replication_slot('${replicaName}', true); end if; end $$`);
  }
  const [row] = await m.sql<{ timeline: number }>(
    "select ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int as timeline",
  );
  const timeline = row?.timeline ?? 0;
  const history = parseHistory(readFileSync(join(m.layout.dataDir, 'pg_wal', historyFileName(timeline)), 'utf8'));
  return { timeline, fork: { term: history.at(-1)?.parent ?? 0, lsn: history.at(-1)?.fork ?? 0 } };
}

/** To follow, where each leader went on from the end of the one before. Where exactly it forked is in no such order's interest. */
export function wishFor(leader: TestMember, term: number, counted = true): FollowWish {
  const timelines = Array.from({ length: term }, (_, at) => ({ term: at + 1, node: nodeOf(leader), parent: at, fork: 0 }));
  return { leader: nodeOf(leader), term, timelines, counted };
}

const SERVED = `select from pg_stat_wal_receiver join pg_stat_activity using (pid)
  where status = 'streaming' and wait_event = 'WalReceiverMain'`;

/** Follows until it is served: `follow` itself looks for a moment only, and PostgreSQL goes on trying. */
export async function follows(m: TestMember, wish: FollowWish): Promise<void> {
  await follow(m, wish, soon());
  // A receiver that is about to be refused calls itself streaming too, and waits for that answer elsewhere.
  await eventually('it receives', 15_000, async () => (await m.sql(SERVED)).length > 0).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${tailOf(m)}`, { cause: error });
  });
}

/**
 * While `work` runs, nothing else writes to the log of this primary: no snapshot for standbys (every 15 s), no end of the slow checkpoint
 * that follows a promotion, no vacuum. `work` asks for no checkpoint, and ends this server by SIGKILL only.
 */
export async function quietly<Result>(m: TestMember, work: () => Promise<Result>): Promise<Result> {
  const childrenThat = (role: string): number[] => {
    const title = `postgres: ${m.group.name}/${nodeOf(m)}: ${role}`;
    return serverChildren(m.server.pid ?? 0).flatMap((child) => (child.title.startsWith(title) ? [child.pid] : []));
  };
  const frozen: number[] = [];
  const freeze = (pid: number): void => {
    if (signalIfThere(pid, 'SIGSTOP')) frozen.push(pid);
  };
  try {
    childrenThat('autovacuum launcher').forEach(freeze);
    // One that stood still in the middle of a page would hold up whoever writes there.
    await eventually('no vacuum runs', 15_000, async () => childrenThat('autovacuum worker').length === 0);
    for (const role of ['background writer', 'checkpointer']) childrenThat(role).forEach(freeze);
    if (frozen.length < 3) throw new Error(`${nodeOf(m)} was not made quiet`);
    return await work();
  } finally {
    for (const pid of frozen) signalIfThere(pid, 'SIGCONT');
  }
}

export async function flushedOn(m: TestMember): Promise<number> {
  return parseLsn((await m.sql<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn'))[0]?.lsn ?? '');
}

export const receivedOn = (m: TestMember, lsn: number): Promise<number> => reached(m, 'pg_last_wal_receive_lsn()', lsn);
export const replayedOn = (m: TestMember, lsn: number): Promise<number> => reached(m, 'pg_last_wal_replay_lsn()', lsn);

function reached(m: TestMember, position: string, lsn: number): Promise<number> {
  const question = `select coalesce(${position}, '0/0')::text as lsn`;
  return eventually('the log has come', 15_000, async () => parseLsn((await m.sql<{ lsn: string }>(question))[0]?.lsn ?? '') >= lsn);
}

/** Last lines of the server's log, for the message of a test that fails. */
export function tailOf({ logFile }: TestMember): string {
  return readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n');
}
