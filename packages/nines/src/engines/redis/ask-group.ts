/** Questions to the other members of a Redis group, all at once, under one deadline. */
import type { UnitContext } from '../engine.ts';
import { RedisClient } from './client.ts';
import { placeOf, redisGroup, type RedisMember } from './group.ts';
import { redisPassword } from './passwords.ts';
import { infoValues, namedValues, type Reply } from './resp.ts';
import type { Place, SentinelAnswer } from './role-at-start.ts';

/** A member on a host that is away never answers: this is what its absence costs a restart. */
const ASK_MS = 400;

/** The agent's own user, to any member of the unit's group. */
export function agentClient(context: UnitContext, member: Pick<RedisMember, 'address' | 'port'>, timeoutMs: number): RedisClient {
  const { caFile } = context.certificate('agent');
  return new RedisClient({
    host: member.address,
    port: member.port,
    caFile,
    user: 'agent',
    password: redisPassword(context, 'agent'),
    timeoutMs,
  });
}

/** What the Sentinels that answer say; those that do not are left out. */
export async function askSentinels(context: UnitContext, signal: AbortSignal): Promise<SentinelAnswer[]> {
  const group = redisGroup(context.spec, context.unit.group);
  const answers = await Promise.all(group.sentinels.map((sentinel) => ask(context, sentinel, ['SENTINEL', 'MASTER', group.name], signal)));
  return answers.flatMap((reply) => {
    const values = namedValues(reply);
    const { ip, port, flags = '' } = values;
    if (ip === undefined || port === undefined) return [];
    return [
      {
        master: { host: ip, port: Number(port) },
        configEpoch: Number(values['config-epoch']),
        failoverUnderWay: flags.includes('failover_in_progress'),
      },
    ];
  });
}

/** Whether any other node of the group has keys. */
export async function othersHaveData(context: UnitContext, signal: AbortSignal): Promise<boolean> {
  const { nodes } = redisGroup(context.spec, context.unit.group);
  const others = nodes.filter(({ unit }) => unit.ordinal !== context.unit.ordinal);
  const replies = await Promise.all(others.map((node) => ask(context, node, ['INFO', 'keyspace'], signal)));
  return replies.some((reply) => Object.keys(infoValues(reply)).some((name) => /^db\d+$/.test(name)));
}

/** The node that says it is master; null when none does, or more than one. */
export async function masterAmongNodes(context: UnitContext, signal: AbortSignal): Promise<Place | null> {
  const { nodes } = redisGroup(context.spec, context.unit.group);
  const replies = await Promise.all(nodes.map((node) => ask(context, node, ['INFO', 'replication'], signal)));
  const masters = nodes.filter((_, index) => infoValues(replies[index] ?? null)['role'] === 'master');
  const [only, second] = masters;
  return only === undefined || second !== undefined ? null : placeOf(only);
}

/** Null when there is no answer, whatever the reason: absence is a fact here, not an error. */
async function ask(context: UnitContext, member: RedisMember, words: string[], signal: AbortSignal): Promise<Reply> {
  const client = agentClient(context, member, ASK_MS);
  const close = () => client.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    return await client.command(...words);
  } catch {
    return null;
  } finally {
    signal.removeEventListener('abort', close);
    client.close();
  }
}
