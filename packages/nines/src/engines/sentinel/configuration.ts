/**
 * Sentinel's configuration. Sentinel keeps its state (who is master, in which epoch) in the same file as its settings
 * and rewrites that file, so at each start the file is composed: settings from the topology, state from the old file.
 * Pure.
 */
import { createHash } from 'node:crypto';
import type { UnitContext } from '../engine.ts';
import { memberOf, placeOf, type RedisGroup, type RedisMember, redisGroup } from '../redis/group.ts';
import { redisPassword, userLine } from '../redis/passwords.ts';
import { type Place, samePlace } from '../redis/role-at-start.ts';
import { renderDirectives, tlsLines } from '../redis/tls.ts';

type Directive = readonly [string, ...string[]];

/** What a client library asks a Sentinel; nothing that changes anything. */
const APP =
  'allchannels +ping +info +role +subscribe +psubscribe +unsubscribe +punsubscribe +client|setname +sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|slaves +sentinel|sentinels';
const SENTINEL = 'allchannels +ping +info +publish +subscribe +client|setname +sentinel|is-master-down-by-addr';
/** The right to tell of a dead master (SENTINEL FAILOVER) comes with the rest. */
const AGENT = 'allchannels +ping +info +role +sentinel';

/** 40 hexadecimal digits that are the same whenever this Sentinel is made anew: the others need not forget an old self. */
export function sentinelId(context: Pick<UnitContext, 'spec' | 'unit'>, ordinal: number): string {
  return createHash('sha1')
    .update(JSON.stringify(['nines sentinel', context.spec.topology.name, context.unit.group, ordinal]))
    .digest('hex');
}

/** The part that comes from the topology. A change of it asks for a restart, which composes the file again. */
export function renderBase(context: UnitContext): string {
  const group = redisGroup(context.spec, context.unit.group);
  const self = memberOf(group.sentinels, context.unit);
  const directives: Directive[] = [
    ...tlsLines(self.address, self.port, context.certificate('redis')),
    ['protected-mode', 'yes'],
    ['daemonize', 'no'],
    ['logfile', ''],
    ['sentinel', 'announce-ip', self.address],
    ['sentinel', 'announce-port', String(self.port)],
    ['sentinel', 'resolve-hostnames', 'no'],
    ['sentinel', 'deny-scripts-reconfig', 'yes'],
    ['sentinel', 'sentinel-user', 'sentinel'],
    ['sentinel', 'sentinel-pass', redisPassword(context, 'sentinel')],
  ];
  // ACL rules are words of their own here, not one quoted text.
  const users = [
    'user default off resetpass resetkeys resetchannels -@all',
    userLine(context, 'app', APP),
    userLine(context, 'sentinel', SENTINEL),
    userLine(context, 'agent', AGENT),
  ];
  const places = (members: readonly RedisMember[]) => members.map(({ address, port }) => `${address}:${port}`).join(' ');
  // What the composed file takes from the topology beyond the directives: here, so that its change restarts too.
  const members = `# quorum ${group.settings.sentinel.quorum} of ${places(group.sentinels)}, over ${places(group.nodes)}\n`;
  return `${members}${renderDirectives(directives)}${users.join('\n')}\n${renderDirectives(watchedSettings(context, group))}`;
}

/** Settings of the watched master; Sentinel takes them only after the line that names it. */
function watchedSettings(context: UnitContext, group: RedisGroup): Directive[] {
  const { downAfterMs, failoverTimeoutMs, parallelSyncs } = group.settings.sentinel;
  return [
    ['sentinel', 'down-after-milliseconds', group.name, String(downAfterMs)],
    ['sentinel', 'failover-timeout', group.name, String(failoverTimeoutMs)],
    ['sentinel', 'parallel-syncs', group.name, String(parallelSyncs)],
    ['sentinel', 'auth-user', group.name, 'sentinel'],
    ['sentinel', 'auth-pass', group.name, redisPassword(context, 'sentinel')],
  ];
}

export interface SentinelState {
  master: Place;
  /** The greatest epoch it has seen, of its vote and of its configuration. */
  currentEpoch: number;
  leaderEpoch: number;
  configEpoch: number;
}

/** What an earlier life wrote down; null when there was none. */
export function stateIn(file: string, group: string): SentinelState | null {
  const name = group.replaceAll(/[^\w-]/g, '');
  const monitor = new RegExp(`^sentinel monitor "?${name}"? "?([\\d.]+)"? (\\d+) \\d+`, 'm').exec(file);
  if (monitor === null) return null;
  const epoch = (pattern: string) => Number(new RegExp(`^sentinel ${pattern} (\\d+)`, 'm').exec(file)?.[1] ?? 0);
  return {
    master: { host: monitor[1]!, port: Number(monitor[2]) },
    currentEpoch: epoch('current-epoch'),
    leaderEpoch: epoch(`leader-epoch "?${name}"?`),
    configEpoch: epoch(`config-epoch "?${name}"?`),
  };
}

/**
 * The whole file. The other Sentinels and the replicas are known from the topology, so that a majority is there from
 * the first second (finding each other takes Sentinels 2 to 4 s) and members that left are forgotten.
 */
export function composeConfiguration(context: UnitContext, base: string, state: SentinelState | null): string {
  const group = redisGroup(context.spec, context.unit.group);
  const masterNode = group.nodes.find((node) => state !== null && samePlace(placeOf(node), state.master)) ?? group.initialMaster;
  const { host, port } = placeOf(masterNode);
  const epochs = state ?? { currentEpoch: 0, leaderEpoch: 0, configEpoch: 0 };
  const before: Directive[] = [
    ['sentinel', 'myid', sentinelId(context, context.unit.ordinal)],
    ['sentinel', 'current-epoch', String(epochs.currentEpoch)],
    ['sentinel', 'monitor', group.name, host, String(port), String(group.settings.sentinel.quorum)],
    ['sentinel', 'config-epoch', group.name, String(epochs.configEpoch)],
    ['sentinel', 'leader-epoch', group.name, String(epochs.leaderEpoch)],
  ];
  const replicas = group.nodes.filter((node) => node !== masterNode);
  const others = group.sentinels.filter(({ unit }) => unit.ordinal !== context.unit.ordinal);
  const known: Directive[] = [
    ...replicas.map((node): Directive => ['sentinel', 'known-replica', group.name, node.address, String(node.port)]),
    ...others.map(
      (other): Directive => [
        'sentinel',
        'known-sentinel',
        group.name,
        other.address,
        String(other.port),
        sentinelId(context, other.unit.ordinal),
      ],
    ),
  ];
  const heading = '# Composed by Nines before each start: settings from base.conf, state from the last life.\n';
  return `${heading}${renderDirectives(before)}${base}${renderDirectives(known)}`;
}
