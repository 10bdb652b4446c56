/** How a Redis server is: one question over a connection that stays open. */
import type { EngineIo, Observation, UnitContext } from '../engine.ts';
import { agentClient, askSentinels } from './ask-group.ts';
import { type RedisClient, TimeoutError } from './client.ts';
import { memberOf, placeOf, redisGroup } from './group.ts';
import { infoValues, RedisError } from './resp.ts';
import { successorOf } from './role-at-start.ts';
import { redisStanding } from './standing.ts';

const KEY = 'redis';
const TIMEOUT_MS = 1_000;

export async function observeRedis(context: UnitContext, io: EngineIo): Promise<Observation> {
  const { nodes } = redisGroup(context.spec, context.unit.group);
  const open = () => agentClient(context, memberOf(nodes, context.unit), TIMEOUT_MS);
  try {
    const info = await askKept(io, KEY, open, (client) => client.command('INFO', 'replication', 'persistence', 'memory'));
    const standing = redisStanding(infoValues(info));
    const alone = standing.role === 'master' && standing.details?.['replicas'] === 0;
    return alone ? await standingOfLonelyMaster(context, standing, io.signal) : standing;
  } catch (error) {
    return unanswered(error);
  }
}

/** A restart is what makes a deposed master ask again whom to follow. */
async function standingOfLonelyMaster(context: UnitContext, standing: Observation, signal: AbortSignal): Promise<Observation> {
  const { nodes, sentinels } = redisGroup(context.spec, context.unit.group);
  const self = placeOf(memberOf(nodes, context.unit));
  const successor = successorOf(self, nodes.map(placeOf), sentinels.length, await askSentinels(context, signal));
  if (successor === null) return standing;
  return { ...standing, ready: false, live: false, reason: `deposed: the Sentinels made ${successor.host}:${successor.port} master` };
}

/**
 * Asks over the kept connection, and once more over a new one when it had been closed: Redis closes every connection
 * when its role changes, which says nothing against it.
 */
export async function askKept<T>(
  io: EngineIo,
  key: string,
  open: () => RedisClient,
  question: (client: RedisClient) => Promise<T>,
): Promise<T> {
  const kept = io.keep(key, open);
  const wasOpen = kept.answered;
  try {
    return await question(kept);
  } catch (error) {
    if (error instanceof RedisError) throw error;
    io.drop(key);
    if (!wasOpen || error instanceof TimeoutError) throw error;
    return await question(io.keep(key, open));
  }
}

/** Only silence speaks against the process: one that refuses or closes connections is starting or ending. */
export function unanswered(error: unknown): Observation {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RedisError) return { ready: false, live: true, reason: `it answers: ${message}` };
  return { ready: false, live: !(error instanceof TimeoutError), reason: `it does not answer: ${message}` };
}
