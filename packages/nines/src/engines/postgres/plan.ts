/** What to run for one PostgreSQL server. Pure. */
import { NinesError } from '../../errors/errors.ts';
import type { UnitContext, UnitFile, UnitPlan } from '../engine.ts';
import { ADMIT_APPLICATION, renderAccess, renderIdentityMap } from './access.ts';
import { membershipOf } from './group.ts';
import { POSTGRES_BINARY, postgresLayout } from './layout.ts';
import { renderPasswordFile } from './replication.ts';
import { postgresSettings, renderSettings } from './settings.ts';

export const POSTGRES_USER = 'postgres';

/** Of a role in the unit's group. @throws NinesError E_IDENTITY when the host has none. */
export function postgresPassword(context: Pick<UnitContext, 'unit' | 'secrets'>, role: string): string {
  const password = context.secrets.postgres[`${context.unit.group}/${role}`];
  if (password === undefined)
    throw new NinesError('E_IDENTITY', `there is no password for the PostgreSQL role '${role}' of '${context.unit.group}'`);
  return password;
}

export function planPostgres(context: UnitContext): UnitPlan {
  const { group, member } = membershipOf(context.spec, context.unit);
  const layout = postgresLayout(context);
  const certificate = context.certificate('postgres');
  const settings = renderSettings(postgresSettings({ group, member, layout, certificate }), layout);
  const file = (path: string, content: string, onChange: UnitFile['onChange']): UnitFile => ({ path, content, mode: 0o600, onChange });
  return {
    name: context.unit.name,
    engine: 'postgres',
    after: [],
    argv: [POSTGRES_BINARY, '-D', layout.dataDir, '-c', `config_file=${layout.configFile}`],
    // PGSYSCONFDIR: libpq would look for a service that is not in our file in one of the machine's.
    env: { PGSERVICEFILE: layout.serviceFile, PGSYSCONFDIR: layout.unitDir, HOME: layout.unitDir },
    cwd: layout.unitDir,
    user: POSTGRES_USER,
    directories: [
      { path: layout.unitDir, mode: 0o700 },
      { path: layout.socketDir, mode: 0o700 },
    ],
    files: [
      file(layout.configFile, settings.restart, 'restart'),
      file(layout.reloadableFile, settings.reloadable, 'reload'),
      file(layout.accessFile, renderAccess(context.spec, group, layout.admittedFile), 'reload'),
      file(layout.identityMapFile, renderIdentityMap(), 'reload'),
      // From then on the executor's: whether clients may write is nothing that a topology knows.
      file(layout.admittedFile, ADMIT_APPLICATION, 'create-only'),
      // libpq reads it at each connection: a change needs no signal. Every member may have to follow another one.
      file(layout.passwordFile, renderPasswordFile(member.replicaName, postgresPassword(context, member.replicaName)), 'nothing'),
    ],
    // Fast: transactions are rolled back, a checkpoint is written, standbys get the last of it. The kill after the
    // deadline loses nothing that was acknowledged: the next start replays the log.
    stop: { signal: 'SIGINT', timeoutMs: 10_000 },
    startTimeoutMs: 60_000,
    reloadSignal: 'SIGHUP',
    listens: [{ address: member.address, port: member.port, what: 'postgres' }],
  };
}
