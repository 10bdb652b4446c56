/** users.acl: who may do what on a Redis server. Pure. */
import type { UnitContext } from '../engine.ts';
import { userLine } from './passwords.ts';

/**
 * `app`: every command on every key, without those that stop, inspect or reconfigure the server. INFO and ROLE count
 * as dangerous, but client libraries ask them before they call a connection ready.
 */
const APP = '~* &* +@all -@admin -@dangerous +info +role';
const REPLICA = '+psync +replconf +ping';
/** As the Redis manual lists it for Sentinels. */
const SENTINEL =
  'allchannels +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill';
const AGENT = '+ping +info +role';

export function renderUsers(context: Pick<UnitContext, 'unit' | 'secrets'>): string {
  const lines = [
    'user default off resetpass resetkeys resetchannels -@all',
    userLine(context, 'app', APP),
    userLine(context, 'replica', REPLICA),
    userLine(context, 'sentinel', SENTINEL),
    userLine(context, 'agent', AGENT),
  ];
  return `${lines.join('\n')}\n`;
}
