/** What to run for one Redis server. Pure. */
import type { UnitContext, UnitPlan } from '../engine.ts';
import { renderUsers } from './access.ts';
import { memberOf, type RedisGroup, redisGroup } from './group.ts';
import { REDIS_BINARY, REDIS_USER, redisLayout } from './layout.ts';
import { redisPassword } from './passwords.ts';
import { renderDirectives, tlsLines } from './tls.ts';

/**
 * With three or more nodes a master without any replica in reach takes no writes. It bounds what a cut-off or an
 * outdated master can accept and lose to its 3 s; with two nodes the loss of one would stop the other, so there it is 0.
 */
export function minReplicasToWrite(group: RedisGroup): number {
  return group.nodes.length >= 3 ? 1 : 0;
}

export function planRedis(context: UnitContext): UnitPlan {
  const group = redisGroup(context.spec, context.unit.group);
  const member = memberOf(group.nodes, context.unit);
  const layout = redisLayout(context);
  const directives: [string, ...string[]][] = [
    ...tlsLines(member.address, member.port, context.certificate('redis')),
    ['protected-mode', 'yes'],
    ['aclfile', layout.usersFile],
    ['masteruser', 'replica'],
    ['masterauth', redisPassword(context, 'replica')],
    // Connections may come from another address than the one that clients and Sentinels can reach.
    ['replica-announce-ip', member.address],
    ['replica-announce-port', String(member.port)],
    ['daemonize', 'no'],
    ['supervised', 'no'],
    ['logfile', ''],
    ['dir', layout.dataDir],
    ['appendonly', 'yes'],
    ['appendfsync', 'everysec'],
    ['save', ''],
    ['maxmemory', String(group.settings.maxMemoryBytes)],
    ['maxmemory-policy', 'allkeys-lru'],
    ['min-replicas-to-write', String(minReplicasToWrite(group))],
    ['min-replicas-max-lag', '3'],
    // Waiting for more replicas (5 s by default) would keep a restarted master without any.
    ['repl-diskless-sync-delay', '0'],
    ['repl-ping-replica-period', '1'],
    ['repl-timeout', '10'],
    ['repl-backlog-size', '16mb'],
    ['tcp-keepalive', '10'],
    ['shutdown-timeout', '2'],
  ];
  return {
    name: context.unit.name,
    engine: 'redis',
    after: [],
    argv: [REDIS_BINARY, layout.bootFile],
    env: {},
    cwd: layout.unitDir,
    user: REDIS_USER,
    directories: [
      { path: layout.unitDir, mode: 0o700 },
      { path: layout.dataDir, mode: 0o700 },
    ],
    files: [
      { path: layout.configFile, content: renderDirectives(directives), mode: 0o600, onChange: 'restart' },
      { path: layout.usersFile, content: renderUsers(context), mode: 0o600, onChange: 'restart' },
    ],
    // Redis gives its replicas 2 s to catch up. While it writes its first append-only file after a full copy it refuses
    // to stop at all; the kill then costs nothing, its master has everything.
    stop: { signal: 'SIGTERM', timeoutMs: 3_000 },
    startTimeoutMs: 30_000,
    reloadSignal: null,
    listens: [{ address: member.address, port: member.port, what: 'redis' }],
  };
}
