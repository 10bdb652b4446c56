/** Runs on a host of the lab. Standard input: a question; standard output: the answer. */
import { text } from 'node:stream/consumers';
import { abandon, connect } from '../failover/writers/writer.ts';
import { TABLE } from '../failover/writers/protocol.ts';
import type { Question, ServerAnswer } from './server-question.ts';

/** For connecting, and again for each query: a server that is well says so on a busy machine too. */
const DEADLINE_MS = 5_000;

async function answer({ access, id }: Question): Promise<ServerAnswer> {
  let readsAs: ServerAnswer['readsAs'] = null;
  try {
    const client = await connect(access, DEADLINE_MS);
    try {
      const { rows } = await client.query<{ is_standby: boolean }>('SELECT pg_is_in_recovery() AS is_standby');
      readsAs = rows[0]?.is_standby === true ? 'standby' : 'primary';
      await client.query(`INSERT INTO ${TABLE} (id) VALUES ($1)`, [id]);
      return { writes: true, readsAs, reason: null };
    } finally {
      abandon(client);
    }
  } catch (error) {
    return { writes: false, readsAs, reason: error instanceof Error ? error.message : String(error) };
  }
}

process.stdout.write(JSON.stringify(await answer(JSON.parse(await text(process.stdin)) as Question)));
