/** The agent's own connection, when the agent itself stands still. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withConnection } from '../../packages/nines/src/engines/postgres/connection.ts';
import { initialise } from '../../packages/nines/src/engines/postgres/initialise.ts';
import { startFenced } from '../../packages/nines/src/engines/postgres/standby/start-fenced.ts';
import { postgresMembers, soon, type TestMembers } from './postgres-members.ts';
import { describeLab } from './require-root.ts';

const LIMIT_MS = 300;

describeLab('a connection to the own server', () => {
  let stage: TestMembers;

  const ask = (seconds: number, meanwhile: () => void) =>
    withConnection(stage.members[0].context, { timeoutMs: LIMIT_MS, signal: soon() }, async (connection) => {
      await connection.query('select');
      const answer = connection.query<{ here: boolean }>(`select true as here from pg_sleep(${seconds})`);
      // It is on its way.
      await new Promise((resolve) => setImmediate(resolve));
      meanwhile();
      return await answer;
    });

  beforeAll(async () => {
    stage = await postgresMembers('127.0.41');
    await initialise(stage.members[0], soon());
    await startFenced(stage.members[0], soon());
  });
  afterAll(async () => {
    await stage?.end();
  });

  it('takes an answer that came while nobody could look', async () => {
    const standStill = () => {
      const startedAt = performance.now();
      while (performance.now() - startedAt < LIMIT_MS * 3);
    };
    expect(await ask(0.05, standStill)).toEqual([{ here: true }]);
  });

  it('waits no longer than its limit for one that does not come', async () => {
    await expect(ask(20, () => undefined)).rejects.toThrow('no answer within 300 ms');
  });
});
