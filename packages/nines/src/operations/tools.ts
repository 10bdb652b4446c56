/** The engines' own tools against the right node: where they connect and as whom. Passwords travel by environment. */
import { readFile } from 'node:fs/promises';
import { NinesError } from '../errors/errors.ts';
import { certificatePaths, type ClusterSecrets, secretsPath } from '../identity/identity.ts';
import { hostCommand } from '../lab/index.ts';
import { type Cluster, labPaths } from './cluster.ts';
import { leaderHost, replicaHost } from './postgres/members.ts';

export interface ToolCall {
  argv: string[];
  env: Record<string, string>;
}

export const TOOL_NAMES = ['psql', 'redis-cli', 'etcdctl'] as const;

export interface ToolOptions {
  /** Which PostgreSQL or Redis group; the first when absent. */
  group?: string;
  /** `app` when absent. */
  user?: string;
  /** psql at the standby that is least behind instead of at the primary. */
  replica?: boolean;
  signal: AbortSignal;
}

/** `psql` at the present primary, `redis-cli` at the master, `etcdctl` at all members; any other first word is a host, and the rest runs there. */
export async function toolCall(cluster: Cluster, words: string[], options: ToolOptions): Promise<ToolCall> {
  const [first = '', ...given] = words;
  const rest = given[0] === '--' ? given.slice(1) : given;
  if (first === 'psql') return psql(cluster, rest, options);
  if (first === 'redis-cli') return redisCli(cluster, rest, options);
  if (first === 'etcdctl') return etcdctl(cluster, rest);
  if (Object.hasOwn(cluster.spec.hosts, first)) {
    return { argv: await hostCommand(cluster.lab, first, rest.length > 0 ? rest : ['/bin/bash', '-i']), env: {} };
  }
  throw new NinesError(
    'E_USAGE',
    `'${first}' is neither a tool (${TOOL_NAMES.join(', ')}) nor a host (${Object.keys(cluster.spec.hosts).join(', ')})`,
  );
}

async function secretsOf(cluster: Cluster): Promise<ClusterSecrets> {
  return JSON.parse(await readFile(secretsPath(labPaths(cluster.lab).identityDir), 'utf8')) as ClusterSecrets;
}

function groupName(groups: Record<string, unknown>, kind: string, wanted: string | undefined): string {
  const names = Object.keys(groups);
  const chosen = wanted ?? names[0];
  if (chosen !== undefined && names.includes(chosen)) return chosen;
  throw new NinesError('E_USAGE', `there is no ${kind} group '${chosen ?? ''}'; there are: ${names.join(', ') || 'none'}`);
}

/** On the server's own host: pg_hba lets nobody in from elsewhere, and the superuser only by its socket. */
async function psql(cluster: Cluster, rest: string[], options: ToolOptions): Promise<ToolCall> {
  const { spec } = cluster;
  const group = groupName(spec.topology.postgres, 'PostgreSQL', options.group);
  const { port, database } = spec.topology.postgres[group] as { port: number; database: string };
  const user = options.user ?? 'app';
  const password = (await secretsOf(cluster)).postgres[`${group}/${user}`];
  if (password === undefined) throw new NinesError('E_USAGE', `PostgreSQL group '${group}' has no role '${user}' with a known password`);
  const host = await (options.replica === true ? replicaHost : leaderHost)(cluster, group, options.signal);
  const bySocket = user === 'postgres';
  return {
    argv: await hostCommand(cluster.lab, host, ['/usr/lib/postgresql/15/bin/psql', ...rest]),
    env: {
      PGHOST: bySocket ? `/run/nines/postgres-${group}` : (cluster.addresses[host] ?? ''),
      PGPORT: String(port),
      PGDATABASE: database,
      PGUSER: user,
      PGPASSWORD: password,
      PGCONNECT_TIMEOUT: '5',
      ...(bySocket ? {} : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/var/lib/nines/identity/ca.pem' }),
    },
  };
}

async function redisCli(cluster: Cluster, rest: string[], options: ToolOptions): Promise<ToolCall> {
  const group = groupName(cluster.spec.topology.redis, 'Redis', options.group);
  const user = options.user ?? 'app';
  const password = (await secretsOf(cluster)).redis[`${group}/${user}`];
  if (password === undefined) throw new NinesError('E_USAGE', `Redis group '${group}' has no user '${user}' with a known password`);
  const master = await hostInRole(cluster, `redis-${group}`, 'master', options.signal);
  const { port } = cluster.spec.topology.redis[group] as { port: number };
  const { caFile } = certificatePaths(labPaths(cluster.lab).operatorDir, 'operator');
  return {
    argv: [
      '/usr/bin/redis-cli',
      '-h',
      cluster.addresses[master] ?? '',
      '-p',
      String(port),
      '--tls',
      '--cacert',
      caFile,
      '--user',
      user,
      ...rest,
    ],
    env: { REDISCLI_AUTH: password },
  };
}

function etcdctl(cluster: Cluster, rest: string[]): ToolCall {
  const { spec } = cluster;
  const members = spec.placement.units.filter((unit) => unit.engine === 'etcd');
  const { caFile, certFile, keyFile } = certificatePaths(labPaths(cluster.lab).operatorDir, 'operator');
  return {
    argv: ['/usr/bin/etcdctl', ...rest],
    env: {
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: members.map((unit) => `https://${spec.hosts[unit.host]?.address}:${spec.topology.etcd.clientPort}`).join(','),
      ETCDCTL_CACERT: caFile,
      ETCDCTL_CERT: certFile,
      ETCDCTL_KEY: keyFile,
    },
  };
}

/** The host whose unit says that it has the role. Throws E_UNREACHABLE when none does. */
export async function hostInRole(cluster: Cluster, unit: string, role: string, signal: AbortSignal): Promise<string> {
  const answers = await cluster.states(signal);
  const found = answers.find(({ state }) => state?.units.some((one) => one.name === unit && one.role === role) ?? false);
  if (found === undefined) throw new NinesError('E_UNREACHABLE', `no host has ${unit} as ${role} at the moment`);
  return found.host;
}
