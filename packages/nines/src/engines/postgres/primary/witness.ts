/** What another member has flushed, by its own word, over a replication connection under this member's own role. */
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import pg from 'pg';
import { NinesError } from '../../../errors/errors.ts';
import type { LogEnd } from '../../../failover/log.ts';
import type { PostgresMember } from '../group.ts';
import { parseLsn } from '../lsn.ts';
import type { Member } from '../member.ts';
import { postgresPassword } from '../plan.ts';

const TIMEOUT_MS = 1_000;

export interface Witness {
  /** The timeline that it flushes, and the position behind what it has flushed of it. */
  flushed(): Promise<LogEnd>;
  close(): void;
}

/** Connected when it resolves. */
export async function askMember(m: Member, other: PostgresMember, signal: AbortSignal): Promise<Witness> {
  const ca = await readFile(m.context.certificate('postgres').caFile, 'utf8');
  const socket = new Socket();
  const close = () => void socket.destroy();
  // The client's types do not know of replication connections; the protocol's start does.
  const options: pg.ClientConfig & { replication: string } = {
    host: other.address,
    port: other.port,
    user: m.member.replicaName,
    password: postgresPassword(m.context, m.member.replicaName),
    application_name: `witness_${m.member.replicaName}`,
    replication: 'true',
    ssl: { ca, host: other.address },
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    stream: () => socket,
  };
  const client = new pg.Client(options);
  client.on('error', () => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    await client.connect();
  } catch (error) {
    close();
    throw error;
  }
  return {
    flushed: async () => {
      const [row] = (await client.query<{ timeline: number; xlogpos: string }>('IDENTIFY_SYSTEM')).rows;
      if (row === undefined)
        throw new NinesError('E_UNREACHABLE', `${other.unit.name} on ${other.unit.host} did not say what it has flushed`);
      return { term: row.timeline, lsn: parseLsn(row.xlogpos) };
    },
    close: () => {
      signal.removeEventListener('abort', close);
      close();
    },
  };
}
