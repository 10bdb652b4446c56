/** PostgreSQL as Nines runs it: a primary and two standbys on three loopback addresses. */
import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgres } from '../../packages/nines/src/engines/postgres/engine.ts';
import { processesIn } from '../../packages/nines/src/engines/postgres/leftovers.ts';
import { type StartedUnit, startUnit } from '../../packages/nines/src/engines/testing/start-unit.ts';
import { ADDRESSES, eventually, exposedSecrets, type TestCluster, testCluster } from './data-engine-cluster.ts';
import { describeLab } from './require-root.ts';

const GROUP = { replicas: 3, durability: 'quorum' as const, port: 5432, database: 'orders', parameters: { work_mem: '5MB' } };
const PRIMARY = 1;
const STANDBYS = [0, 2];

describeLab('PostgreSQL', () => {
  let cluster: TestCluster;
  let units: StartedUnit[] = [];
  const clients: pg.Client[] = [];

  const unit = (ordinal: number) => units[ordinal]!;
  const unitDir = (ordinal: number) => join(cluster.context('postgres', ordinal).paths.dataDir, 'units', 'postgres-main');
  const processIds = (ordinal: number) => processesIn(join(unitDir(ordinal), 'data'));
  const password = (role: string) => cluster.secrets.postgres[`main/${role}`] ?? 'wrong';

  /** Over TCP, as a service would connect; over the socket for the superuser. */
  const client = (
    ordinal: number,
    options: { user?: string; database?: string; plain?: boolean; from?: string; socket?: boolean } = {},
  ) => {
    const { user = 'app', database = 'orders', plain = false, from, socket = false } = options;
    const host = socket ? join(cluster.context('postgres', ordinal).paths.runDir, 'postgres-main') : ADDRESSES[ordinal]!;
    const ca = readFileSync(cluster.context('postgres', ordinal).certificate('postgres').caFile, 'utf8');
    const opened = new pg.Client({
      host,
      port: GROUP.port,
      user,
      database,
      password: password(user),
      connectionTimeoutMillis: 3_000,
      ssl: plain || socket ? false : { ca, host },
      ...(from === undefined ? {} : { stream: () => socketFrom(from) }),
    });
    opened.on('error', () => undefined);
    clients.push(opened);
    return opened;
  };
  const ask = async (ordinal: number, text: string, options: Parameters<typeof client>[1] = {}): Promise<Record<string, unknown>[]> => {
    const opened = client(ordinal, options);
    await opened.connect();
    try {
      return (await opened.query<Record<string, unknown>>(text)).rows;
    } finally {
      await opened.end();
    }
  };
  const askSuperuser = (ordinal: number, text: string) => ask(ordinal, text, { user: 'postgres', database: 'postgres', socket: true });
  const allAttached = () =>
    eventually('both standbys acknowledge', 15_000, async () => (await unit(PRIMARY).observe()).details?.['acknowledging'] === 2);

  beforeAll(async () => {
    cluster = await testCluster({ postgres: { main: GROUP }, leader: PRIMARY, engines: ['postgres'] });
    const startedAt = performance.now();
    const outcomes = await Promise.allSettled(ADDRESSES.map((_, ordinal) => startUnit(postgres, cluster.context('postgres', ordinal))));
    units = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    process.stderr.write(`PostgreSQL: three servers up after ${Math.round(performance.now() - startedAt)} ms\n`);
    await allAttached();
  });

  afterAll(async () => {
    await Promise.all(clients.map((opened) => opened.end().catch(() => undefined)));
    await Promise.all(units.map((started) => started.stop()));
    cluster?.remove();
  });

  it('streams from the primary to both standbys, with the settings that the promises rest on', async () => {
    expect((await unit(PRIMARY).observe()).role).toBe('primary');
    for (const ordinal of STANDBYS) expect(await unit(ordinal).observe()).toMatchObject({ ready: true, role: 'standby' });
    await ask(PRIMARY, 'create table notes (id int primary key, note text)');
    await ask(PRIMARY, "insert into notes values (1, 'one')");
    for (const ordinal of STANDBYS) {
      await eventually('the row is on the standby', 3_000, async () => (await ask(ordinal, 'select * from notes')).length === 1);
    }
    const [settings] = await ask(
      PRIMARY,
      "select current_setting('data_checksums') as checksums, current_setting('wal_log_hints') as hints, current_setting('work_mem') as memory, current_setting('restart_after_crash') as again",
    );
    expect(settings).toEqual({ checksums: 'on', hints: 'on', memory: '5MB', again: 'off' });
    const slots = await askSuperuser(PRIMARY, 'select slot_name, active from pg_replication_slots order by 1');
    expect(slots).toEqual([
      { slot_name: 'replica_0', active: true },
      { slot_name: 'replica_2', active: true },
    ]);
  });

  it('acknowledges a commit only when a standby has it', async () => {
    await Promise.all(STANDBYS.map((ordinal) => unit(ordinal).stop()));
    const opened = client(PRIMARY);
    await opened.connect();
    let acknowledged = false;
    const commit = opened.query("insert into notes values (2, 'two')").then(() => {
      acknowledged = true;
    });
    const waiting = "select count(*)::int as waiting from pg_stat_activity where wait_event = 'SyncRep'";
    await eventually('the commit waits', 5_000, async () => (await askSuperuser(PRIMARY, waiting))[0]?.['waiting'] === 1);
    expect(acknowledged).toBe(false);
    expect((await unit(PRIMARY).observe()).reason).toContain('commits wait');
    await unit(0).restart();
    await commit;
    await unit(2).restart();
    await allAttached();
  });

  it('lets each role do its own work only, from its own place only', async () => {
    await expect(ask(PRIMARY, 'select 1', { plain: true })).rejects.toThrow(/pg_hba/);
    await expect(ask(PRIMARY, 'select 1', { database: 'postgres' })).rejects.toThrow(/pg_hba/);
    await expect(ask(PRIMARY, 'select 1', { user: 'postgres' })).rejects.toThrow(/pg_hba/);
    await expect(ask(PRIMARY, 'select 1', { user: 'replica_0' })).rejects.toThrow(/pg_hba/);
    await expect(ask(PRIMARY, 'select 1', { from: '127.0.9.9' })).rejects.toThrow(/pg_hba/);
    await expect(ask(PRIMARY, 'select * from notes', { user: 'monitor' })).rejects.toThrow(/permission denied/);
    await expect(ask(PRIMARY, 'alter system set fsync = off')).rejects.toThrow(/permission denied/);
    const [monitor] = await ask(PRIMARY, 'select count(*)::int as seen from pg_stat_replication where client_addr is not null', {
      user: 'monitor',
      database: 'postgres',
    });
    expect(monitor).toEqual({ seen: 2 });
    const roles = await askSuperuser(
      PRIMARY,
      "select rolname, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls as powerful, rolreplication from pg_roles where rolname !~ '^pg_' order by 1",
    );
    expect(roles).toEqual([
      { rolname: 'app', powerful: false, rolreplication: false },
      { rolname: 'monitor', powerful: false, rolreplication: false },
      { rolname: 'postgres', powerful: true, rolreplication: true },
      { rolname: 'replica_0', powerful: false, rolreplication: true },
      { rolname: 'replica_2', powerful: false, rolreplication: true },
    ]);
  });

  it('restarts in place with its data after a kill -9 of the postmaster, over a backend that is still busy', async () => {
    const busy = client(PRIMARY);
    await busy.connect();
    const interrupted = busy.query('do $$ begin loop end loop; end $$').catch((error: Error) => error);
    await eventually(
      'the backend is busy',
      3_000,
      async () => (await askSuperuser(PRIMARY, "select 1 from pg_stat_activity where query like 'do %' and state = 'active'")).length === 1,
    );
    unit(PRIMARY).kill('SIGKILL');
    await unit(PRIMARY).exited();
    expect((await processIds(PRIMARY)).length).toBeGreaterThan(0);
    const restartedMs = await unit(PRIMARY).restart();
    expect(await interrupted).toBeInstanceOf(Error);
    expect(await ask(PRIMARY, 'select id from notes order by id')).toEqual([{ id: 1 }, { id: 2 }]);
    const writableMs = await eventually('a commit is acknowledged', 5_000, async () => {
      await ask(PRIMARY, "insert into notes values (3, 'three')");
      return true;
    });
    process.stderr.write(`PostgreSQL primary killed: running after ${Math.round(restartedMs)} ms, first commit ${writableMs} ms later\n`);
    await allAttached();
  });

  it('calls a frozen server unsound, and one that is not there yet not', async () => {
    const frozen = await processIds(2);
    for (const pid of frozen) process.kill(pid, 'SIGSTOP');
    try {
      expect(await unit(2).observe()).toMatchObject({ ready: false, live: false });
    } finally {
      for (const pid of frozen) process.kill(pid, 'SIGCONT');
    }
    await unit(2).stop();
    expect(await unit(2).observe()).toMatchObject({ ready: false, live: true });
    await unit(2).restart();
    await allAttached();
  });

  it('makes a half-made standby anew, whatever an interrupted attempt left', async () => {
    const standby = unitDir(0);
    await unit(0).stop();
    await rm(join(standby, 'data', 'nines.json'));
    await rm(join(standby, 'data', 'global', 'pg_control'));
    const { uid, gid } = await stat(standby);
    for (const folder of ['data.building', 'data.building/base']) {
      await mkdir(join(standby, folder));
      await chown(join(standby, folder), uid, gid);
    }
    await writeFile(join(standby, 'data.building', 'junk'), 'x');
    const restartedMs = await unit(0).restart();
    process.stderr.write(`PostgreSQL standby made anew: streaming after ${Math.round(restartedMs)} ms\n`);
    expect(existsSync(join(standby, 'data.building'))).toBe(false);
    expect(existsSync(join(standby, 'data.discarded'))).toBe(false);
    await eventually('it has the rows', 3_000, async () => (await ask(0, 'select id from notes')).length === 3);
    await allAttached();
  });

  it('never makes new data for a primary that lost its own while a standby has it', async () => {
    const data = join(unitDir(PRIMARY), 'data');
    await unit(PRIMARY).stop();
    await rename(data, `${data}.away`);
    await expect(unit(PRIMARY).restart()).rejects.toMatchObject({ code: 'E_DATA_LOST' });
    expect(existsSync(data)).toBe(false);
    await mkdir(data);
    await writeFile(join(data, 'PG_VERSION'), '15\n');
    await expect(unit(PRIMARY).restart()).rejects.toMatchObject({ code: 'E_DATA_FOREIGN' });
    await rm(data, { recursive: true });
    await rename(`${data}.away`, data);
    await unit(PRIMARY).restart();
    await allAttached();
  });

  it('forgets settings that ALTER SYSTEM made, and writes nothing when nothing is to be changed', async () => {
    await askSuperuser(PRIMARY, "alter system set synchronous_standby_names = ''");
    const verifiers = await askSuperuser(PRIMARY, 'select rolname, rolpassword from pg_authid order by 1');
    await unit(PRIMARY).stop();
    await unit(PRIMARY).restart();
    const [setting] = await askSuperuser(PRIMARY, 'show synchronous_standby_names');
    expect(setting).toEqual({ synchronous_standby_names: 'ANY 1 ("replica_0", "replica_2")' });
    expect(await askSuperuser(PRIMARY, 'select rolname, rolpassword from pg_authid order by 1')).toEqual(verifiers);
    await allAttached();
  });

  it('shows no password in a log or in the argv of any process', async () => {
    expect(units.every((started) => readFileSync(started.logFile, 'utf8').includes('database system is ready'))).toBe(true);
    expect(
      exposedSecrets(
        cluster,
        units.map((started) => started.logFile),
      ),
    ).toEqual([]);
    for (const { logFile } of units) expect(readFileSync(logFile, 'utf8')).not.toContain('SCRAM-SHA-256$');
    expect(existsSync(join(unitDir(PRIMARY), 'initial-password'))).toBe(false);
  });
});

/** A socket that connects from that address, wherever the client library tells it to go. */
function socketFrom(localAddress: string): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  socket.connect = ((port: number, host: string) => connect({ port, host, localAddress })) as typeof socket.connect;
  return socket;
}
