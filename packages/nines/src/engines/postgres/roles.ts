/** Roles, database and slots, made by whoever leads. Idempotent. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { EngineIo, UnitContext } from '../engine.ts';
import type { LocalConnection } from './connection.ts';
import { localConnection } from './connection.ts';
import { membershipOf, type PostgresGroup } from './group.ts';
import { firstDataOf } from './initialise.ts';
import { postgresPassword } from './plan.ts';
import { dropFormerSlots, reserveSlots } from './primary/slots.ts';
import type { Queries } from './standby/query.ts';
import { scramVerifier, verifierMatches } from './scram.ts';

const { escapeIdentifier, escapeLiteral } = pg;
const TIMEOUT_MS = 5_000;

/** Whether everything is there that clients and standbys need to log in; who leads after a failover has it all from its log. */
export async function isPrepared(connection: Queries, group: PostgresGroup): Promise<boolean> {
  const names = wantedRoles(group).map(({ name }) => name);
  const [found] = await connection.query<{ roles: number; databases: number }>(
    `select (select count(*)::int from pg_roles where rolname = any($1)) as roles,
            (select count(*)::int from pg_database where datname = $2) as databases`,
    [names, group.settings.database],
  );
  return found?.roles === names.length && found.databases === 1;
}

export async function preparePrimary(context: UnitContext, io: EngineIo): Promise<void> {
  const { group, member } = membershipOf(context.spec, context.unit);
  const connection = localConnection(context, 'postgres', TIMEOUT_MS);
  const close = () => connection.close();
  io.signal.addEventListener('abort', close, { once: true });
  try {
    const [state] = await connection.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
    if (state?.standby !== false) return;
    // Standbys need these roles before one of them can acknowledge anything. A failing statement with a verifier in it
    // is not for the log.
    await connection.query("set synchronous_commit = local; set log_min_error_statement = 'panic'; set log_statement = 'none'");
    await reserveSlots(connection, { group, member });
    await dropFormerSlots(connection, { group }, io.log);
    await ensureRoles(connection, context, group);
    await ensureDatabase(connection, group.settings.database);
    await io.firstTime.done(firstDataOf(group.name), io.signal);
  } finally {
    io.signal.removeEventListener('abort', close);
    close();
  }
}

interface WantedRole {
  name: string;
  attributes: string;
}

function wantedRoles(group: PostgresGroup): WantedRole[] {
  const nothing = 'login nosuperuser nocreatedb nocreaterole nobypassrls';
  return [
    { name: 'app', attributes: `${nothing} noreplication` },
    { name: 'monitor', attributes: `${nothing} noreplication` },
    // Also the leader's own: it may be a standby of the next one.
    ...group.members.map(({ replicaName }) => ({ name: replicaName, attributes: `${nothing} replication` })),
  ];
}

async function ensureRoles(connection: LocalConnection, context: UnitContext, group: PostgresGroup): Promise<void> {
  const stored = await connection.query<{ name: string; verifier: string | null }>(
    'select rolname as name, rolpassword as verifier from pg_authid',
  );
  const verifiers = new Map(stored.map(({ name, verifier }) => [name, verifier]));
  for (const { name, attributes } of wantedRoles(group)) {
    const password = postgresPassword(context, name);
    const known = verifiers.get(name);
    // A restart with nothing to change writes nothing.
    if (known !== undefined && verifierMatches(known, password)) continue;
    const verb = known === undefined ? 'create' : 'alter';
    await connection.query(
      `${verb} role ${escapeIdentifier(name)} ${attributes} password ${escapeLiteral(scramVerifier(password, randomBytes(16)))}`,
    );
  }
  const wanted = new Set(wantedRoles(group).map(({ name }) => name));
  const former = [...verifiers.keys()].filter((name) => /^replica_\d+$/.test(name) && !wanted.has(name));
  for (const name of former) await connection.query(`drop role ${escapeIdentifier(name)}`);
  await connection.query(
    "do $$ begin if not pg_has_role('monitor', 'pg_monitor', 'member') then grant pg_monitor to monitor; end if; end $$",
  );
}

async function ensureDatabase(connection: LocalConnection, database: string): Promise<void> {
  const [found] = await connection.query<{ owner: string }>('select pg_get_userbyid(datdba) as owner from pg_database where datname = $1', [
    database,
  ]);
  const name = escapeIdentifier(database);
  if (found === undefined) await connection.query(`create database ${name} owner app`);
  else if (found.owner !== 'app') await connection.query(`alter database ${name} owner to app`);
  await connection.query(`revoke all on database ${name} from public; grant connect on database ${name} to monitor`);
}
