/** Passwords of the ACL users of a Redis group. Pure. */
import { createHash } from 'node:crypto';
import { NinesError } from '../../errors/errors.ts';
import type { UnitContext } from '../engine.ts';

export type RedisUser = 'app' | 'replica' | 'sentinel' | 'agent';

/** @throws NinesError E_IDENTITY when the host has none. */
export function redisPassword(context: Pick<UnitContext, 'unit' | 'secrets'>, user: RedisUser): string {
  const password = context.secrets.redis[`${context.unit.group}/${user}`];
  if (password === undefined)
    throw new NinesError('E_IDENTITY', `there is no password for the Redis user '${user}' of '${context.unit.group}'`);
  return password;
}

/** An ACL line: the user is on, knows one password by its SHA-256, and starts from no rights. */
export function userLine(context: Pick<UnitContext, 'unit' | 'secrets'>, user: RedisUser, rights: string): string {
  const hash = createHash('sha256').update(redisPassword(context, user)).digest('hex');
  return `user ${user} on #${hash} resetchannels -@all ${rights}`;
}
