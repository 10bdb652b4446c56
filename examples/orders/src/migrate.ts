/**
 * Brings the schema up to date: `node src/migrate.ts [--seed]`. Safe to run twice, twice at once, and to interrupt:
 * one runner at a time by an advisory lock, each file in a transaction with the row that says it is done.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { withConnection } from './database/one-connection.ts';
import { seed } from './seed.ts';

export interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

/** Any number, the same for all runners of this service. */
const LOCK = 7_301_422;

/** In order of name. */
export function readMigrations(folder: string): Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.toSorted().map((name) => {
    const sql = readFileSync(join(folder, name), 'utf8');
    return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

/** Resolves with the names of those that it ran. Rejects when one that has run has changed since. */
export async function migrate(client: pg.ClientBase, migrations: Migration[]): Promise<string[]> {
  await client.query("SET lock_timeout = '30s'");
  await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
  try {
    await client.query(`CREATE TABLE IF NOT EXISTS migrations (
      name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    const { rows } = await client.query<{ name: string; checksum: string }>('SELECT name, checksum FROM migrations');
    const pending = pendingMigrations(migrations, rows);
    for (const migration of pending) await runMigration(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK]);
  }
}

/** Pure. Throws when a migration that has run reads differently now: the schema would not be what the file says. */
export function pendingMigrations(all: Migration[], applied: { name: string; checksum: string }[]): Migration[] {
  const done = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  const changed = all.find(({ name, checksum }) => done.has(name) && done.get(name) !== checksum);
  if (changed !== undefined) throw new Error(`${changed.name} has run and was changed since; write a new migration`);
  return all.filter(({ name }) => !done.has(name));
}

async function runMigration(client: pg.ClientBase, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query('INSERT INTO migrations (name, checksum) VALUES ($1, $2)', [name, checksum]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

async function main(): Promise<void> {
  const { DATABASE_URL: url, NINES_CA_FILE: caFile } = process.env;
  if (url === undefined || url === '') throw new Error('DATABASE_URL is not set');
  const ca = caFile === undefined || caFile === '' ? null : readFileSync(caFile, 'utf8');
  const migrations = readMigrations(join(import.meta.dirname, '..', 'migrations'));
  await withConnection({ url, ca, patienceMs: 15_000 }, async (client) => {
    const ran = await migrate(client, migrations);
    console.log(ran.length === 0 ? 'schema is up to date' : `ran ${ran.join(', ')}`);
    if (process.argv.includes('--seed')) console.log(`added ${await seed(client)} products`);
  });
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
