/** How a Sentinel is: whom it takes for master, and whether enough others would vote with it. */
import type { EngineIo, Observation, UnitContext } from '../engine.ts';
import { agentClient } from '../redis/ask-group.ts';
import type { RedisClient } from '../redis/client.ts';
import { memberOf, redisGroup } from '../redis/group.ts';
import { askKept, unanswered } from '../redis/observe.ts';
import { namedValues, RedisError } from '../redis/resp.ts';
import { sentinelStanding } from './standing.ts';

const KEY = 'sentinel';
const TIMEOUT_MS = 1_000;

export async function observeSentinel(context: UnitContext, io: EngineIo): Promise<Observation> {
  try {
    const group = redisGroup(context.spec, context.unit.group);
    const open = () => agentClient(context, memberOf(group.sentinels, context.unit), TIMEOUT_MS);
    const [master, quorum] = await askKept(io, KEY, open, (client) =>
      Promise.all([client.command('SENTINEL', 'MASTER', group.name), checkQuorum(client, group.name)]),
    );
    return sentinelStanding(namedValues(master), quorum);
  } catch (error) {
    return unanswered(error);
  }
}

async function checkQuorum(client: RedisClient, group: string): Promise<{ reached: boolean; text: string }> {
  try {
    return { reached: true, text: String(await client.command('SENTINEL', 'CKQUORUM', group)) };
  } catch (error) {
    if (error instanceof RedisError) return { reached: false, text: error.message };
    throw error;
  }
}
