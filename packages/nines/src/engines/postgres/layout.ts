/** Files and folders of one PostgreSQL unit. Pure. */
import { join } from 'node:path';
import type { UnitContext } from '../engine.ts';

/** Every tool from one folder: PATH may find a partial PostgreSQL first. */
const BINARIES = '/usr/lib/postgresql/15/bin';
export const POSTGRES_BINARY = `${BINARIES}/postgres`;
export const INITDB_BINARY = `${BINARIES}/initdb`;
export const BASEBACKUP_BINARY = `${BINARIES}/pg_basebackup`;
export const CONTROLDATA_BINARY = `${BINARIES}/pg_controldata`;
export const WALDUMP_BINARY = `${BINARIES}/pg_waldump`;

export interface PostgresLayout {
  unitDir: string;
  /** PGDATA. Present means complete: it is built as `buildingDir` and renamed. */
  dataDir: string;
  /** A PGDATA in the making; whatever a crash leaves here is thrown away. */
  buildingDir: string;
  /** An unfinished PGDATA that was set aside until its successor is complete. */
  discardedDir: string;
  /** In PGDATA, written last: says whose it is, and that Nines finished it. */
  markerFile: string;
  configFile: string;
  reloadableFile: string;
  /**
   * Included last by `configFile`: the three settings that follow leadership. Written by the executor alone. In the folder of the
   * socket, as the two others that change with the leader: in memory no change waits for a disk, and every start writes them first.
   */
  leadershipFile: string;
  accessFile: string;
  /** Named by `accessFile` as `@admitted`: which role may connect as the application. Written by the executor alone. */
  admittedFile: string;
  identityMapFile: string;
  /** Whom a walreceiver finds when it connects; without a leader in it, nobody. Written by the executor alone. */
  serviceFile: string;
  passwordFile: string;
  /** The superuser's password, present only while initdb runs. */
  initialPasswordFile: string;
  /** Outside PGDATA, as a copy of another member's data must not bring its promises along: `{promise, taint}`. */
  failoverFile: string;
  /** Outside PGDATA: a base backup would copy the socket's lock file, and the clone would not start. */
  socketDir: string;
  /** Links to segments while the end of the log is looked for. */
  walViewDir: string;
}

export const MARKER_NAME = 'nines.json';

export function postgresLayout(context: Pick<UnitContext, 'unit' | 'paths'>): PostgresLayout {
  const unitDir = join(context.paths.dataDir, 'units', context.unit.name);
  const dataDir = join(unitDir, 'data');
  const socketDir = join(context.paths.runDir, context.unit.name);
  return {
    unitDir,
    dataDir,
    buildingDir: join(unitDir, 'data.building'),
    discardedDir: join(unitDir, 'data.discarded'),
    markerFile: join(dataDir, MARKER_NAME),
    configFile: join(unitDir, 'postgresql.conf'),
    reloadableFile: join(unitDir, 'reloadable.conf'),
    leadershipFile: join(socketDir, 'leadership.conf'),
    accessFile: join(unitDir, 'pg_hba.conf'),
    admittedFile: join(socketDir, 'admitted'),
    identityMapFile: join(unitDir, 'pg_ident.conf'),
    serviceFile: join(socketDir, 'pg_service.conf'),
    passwordFile: join(unitDir, 'pgpass'),
    initialPasswordFile: join(unitDir, 'initial-password'),
    failoverFile: join(unitDir, 'failover.json'),
    socketDir,
    walViewDir: join(context.paths.runDir, `${context.unit.name}.wal`),
  };
}
