/** Who a server is that calls itself the leader, by its replication protocol: all that a standby's role may ask. */
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { NinesError } from '../../errors/errors.ts';
import type { PostgresMember } from './group.ts';
import type { Member } from './member.ts';
import { postgresPassword } from './plan.ts';

export interface LeaderIdentity {
  systemId: string;
  term: number;
}

const TIMEOUT_MS = 2_000;

/** @throws NinesError E_DATA_FOREIGN when it is a standby. Rejects when it does not answer or lets nobody in. */
export async function askLeader({ context, member, io }: Member, leader: PostgresMember): Promise<LeaderIdentity> {
  const ca = await readFile(context.certificate('postgres').caFile, 'utf8');
  const client = new pg.Client(
    connectionTo(leader, { user: member.replicaName, password: postgresPassword(context, member.replicaName), ca }),
  );
  // It goes away between two questions: the next one rejects and says so.
  client.on('error', () => undefined);
  const end = () => void client.end().catch(() => undefined);
  io.signal.addEventListener('abort', end, { once: true });
  try {
    await client.connect();
    // Its words are words in capitals only.
    const recovery = await client.query<{ in_hot_standby: string }>('SHOW in_hot_standby');
    const system = await client.query<{ systemid: string; timeline: number | string }>('IDENTIFY_SYSTEM');
    const [identity] = system.rows;
    if (identity !== undefined && recovery.rows[0]?.in_hot_standby === 'off') {
      return { systemId: identity.systemid, term: Number(identity.timeline) };
    }
  } finally {
    io.signal.removeEventListener('abort', end);
    end();
  }
  throw new NinesError('E_DATA_FOREIGN', `${leader.unit.name} on ${leader.unit.host} is no primary: nothing is copied from it`);
}

function connectionTo(leader: PostgresMember, login: { user: string; password: string; ca: string }): pg.ClientConfig {
  const { user, password, ca } = login;
  const options = {
    host: leader.address,
    port: leader.port,
    user,
    password,
    database: 'replication',
    // Physical replication: its few commands, and no query.
    replication: 'true',
    application_name: `identify_${user}`,
    ssl: { ca, host: leader.address },
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
  };
  return options;
}
