/** etcd's configuration, from the spec alone. JSON, which is YAML. */
import { join } from 'node:path';
import type { ClusterSpec, HostSpec } from '../../topology/cluster-spec.ts';
import type { UnitContext } from '../engine.ts';

/**
 * Heartbeat 50 ms and election timeout ten times that: a dead leader is replaced in 0.5 to 1 s. Between zones of one region
 * (a round trip below 5 ms) ten heartbeats have to be lost in a row, or the leader's disk to stall that long; etcd's own
 * defaults of 100 and 1000 ms double the time in which nothing can be decided.
 */
const HEARTBEAT_MS = 50;
const ELECTION_MS = 500;

/** What is decided over is small; etcd stops writing at this size rather than fill the disk. */
const QUOTA_BYTES = 512 * 1024 * 1024;

/** Old revisions are needed by a compare-and-swap that was sent twice, for the length of one call (see store/transaction.ts). */
const KEEP_HISTORY = '5m';

/** etcd keeps that many entries in memory; its default of 100,000 grows to hundreds of MB under a status every second. */
const SNAPSHOT_EVERY_ENTRIES = 10_000;

export interface EtcdSettings {
  [setting: string]: unknown;
  name: string;
  /** `name=peer URL` with commas between. */
  'initial-cluster': string;
}

export interface EtcdLayout {
  folder: string;
  dataDir: string;
  /** What the plan renders. */
  settingsFile: string;
  /** What etcd reads: the settings and how to start, which `prepare` finds out. */
  configFile: string;
}

export function etcdLayout(context: UnitContext): EtcdLayout {
  const folder = join(context.paths.dataDir, 'units', context.unit.name);
  return { folder, dataDir: join(folder, 'data'), settingsFile: join(folder, 'settings.json'), configFile: join(folder, 'etcd.json') };
}

/** An etcd member as the placement wants it; its name is its host's. */
export interface PlacedMember {
  name: string;
  clientUrl: string;
  peerUrl: string;
}

export function placedMembers(spec: ClusterSpec): PlacedMember[] {
  const { clientPort, peerPort } = spec.topology.etcd;
  return spec.placement.units
    .filter(({ engine }) => engine === 'etcd')
    .toSorted((left, right) => left.ordinal - right.ordinal)
    .map(({ host }) => {
      const { address } = hostOf(spec, host);
      return { name: host, clientUrl: `https://${address}:${clientPort}`, peerUrl: `https://${address}:${peerPort}` };
    });
}

/** Client URLs of all members, for `createStore`: the caller's own host first. */
export function etcdEndpoints(spec: ClusterSpec, nearestHost?: string): string[] {
  const far = (name: string) => (name === nearestHost ? 0 : 1);
  return placedMembers(spec)
    .toSorted((left, right) => far(left.name) - far(right.name))
    .map(({ clientUrl }) => clientUrl);
}

export function hostOf(spec: ClusterSpec, host: string): HostSpec {
  const found = spec.hosts[host];
  if (found === undefined) throw new Error(`the spec places etcd on ${host}, which is not among its hosts`);
  return found;
}

export function renderSettings(context: UnitContext): EtcdSettings {
  const { spec, unit } = context;
  const { address } = hostOf(spec, unit.host);
  const { caFile, certFile, keyFile } = context.certificate('etcd');
  const security = { 'cert-file': certFile, 'key-file': keyFile, 'trusted-ca-file': caFile, 'client-cert-auth': true };
  const clientUrl = `https://${address}:${spec.topology.etcd.clientPort}`;
  const peerUrl = `https://${address}:${spec.topology.etcd.peerPort}`;
  return {
    name: unit.host,
    'data-dir': etcdLayout(context).dataDir,
    'listen-client-urls': clientUrl,
    'advertise-client-urls': clientUrl,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': placedMembers(spec)
      .map((member) => `${member.name}=${member.peerUrl}`)
      .join(','),
    'initial-cluster-token': `nines-${spec.topology.name}`,
    'client-transport-security': security,
    'peer-transport-security': security,
    'heartbeat-interval': HEARTBEAT_MS,
    'election-timeout': ELECTION_MS,
    // Without it a member that comes back from a cut with a higher term deposes a good leader.
    'pre-vote': true,
    'strict-reconfig-check': true,
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': KEEP_HISTORY,
    'quota-backend-bytes': QUOTA_BYTES,
    'snapshot-count': SNAPSHOT_EVERY_ENTRIES,
    // On by default, but not when etcd reads a file.
    'enable-grpc-gateway': true,
    logger: 'zap',
    'log-level': 'info',
    'log-outputs': ['stderr'],
  };
}
