/** What `show stat` says, as figures. Pure. */
import { isDatabaseBackend } from './database.ts';

export interface ServerStat {
  backend: string;
  server: string;
  /** HAProxy's word: 'UP', 'DOWN', 'NOLB' (draining), 'MAINT', 'UP 1/2' while it is deciding, ... */
  status: string;
  /** It gets new requests. */
  usable: boolean;
  /** Requests in flight. */
  sessions: number;
  /** Requests that were tried again elsewhere because of this server, since HAProxy's start. */
  retries: number;
}

export interface GatewayStat {
  /** Of the services. */
  servers: ServerStat[];
  /** Of the databases: who gets connections is the agent's word, not a check's. */
  databases: ServerStat[];
  /** Client connections of the gateway's frontend. */
  sessions: number;
}

/** @throws Error when the text is no statistics table. */
export function gatewayStat(csv: string): GatewayStat {
  const lines = csv.split('\n').filter((line) => line !== '');
  const header = lines[0];
  if (header === undefined || !header.startsWith('# pxname,svname,')) throw new Error('HAProxy gave no statistics');
  const columns = header.slice(2).split(',');
  const rows = lines.slice(1).map((line) => {
    const values = line.split(',');
    return (column: string) => values[columns.indexOf(column)] ?? '';
  });
  const frontend = rows.find((row) => row('pxname') === 'nines_gateway' && row('svname') === 'FRONTEND');
  const servers = rows
    .filter((row) => row('svname') !== 'FRONTEND' && row('svname') !== 'BACKEND')
    .map((row) => ({
      backend: row('pxname'),
      server: row('svname'),
      status: row('status'),
      // 'no check': what is neither checked nor taken out.
      usable: /^(?:UP|no check)/.test(row('status')),
      sessions: Number(row('scur')),
      retries: Number(row('wretr')),
    }));
  return {
    sessions: Number(frontend?.('scur') ?? 0),
    servers: servers.filter(({ backend }) => !isDatabaseBackend(backend)),
    databases: servers.filter(({ backend }) => isDatabaseBackend(backend)),
  };
}
