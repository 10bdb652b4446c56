/** What an instance finds in its environment. The only place where it meets its secrets. Pure. */
import { dirname, join } from 'node:path';
import { NinesError } from '../../errors/errors.ts';
import type { PlacedUnit } from '../../topology/cluster-spec.ts';
import { drainNoticeMs } from '../haproxy/checks.ts';
import { postgresEndpoint } from '../postgres/endpoint.ts';
import { redisEndpoint } from '../redis/endpoint.ts';
import { listenAddress, type ServiceContext, serviceTopology } from './placed-service.ts';

type Environment = Record<string, string>;

/** For the service's processes of every kind: its own words, its secrets, and where its database and Redis are. */
export function serviceEnvironment(context: ServiceContext, serviceName: string, homeDir: string): Environment {
  const service = serviceTopology(context.spec, serviceName);
  const { nodeFile, runDir } = context.paths;
  return {
    PATH: `${dirname(nodeFile)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    LANG: 'C.UTF-8',
    HOME: homeDir,
    NODE_ENV: 'production',
    // Wins over what stands above. What follows is Nines' own: the schema refuses its names here.
    ...service.env,
    ...secretEnvironment(context, serviceName),
    ...postgresEnvironment(context, service.uses.postgres),
    ...redisEnvironment(context, service.uses.redis),
    NINES_SERVICE: serviceName,
    NINES_CA_FILE: context.certificate('agent').caFile,
    NINES_SOCKET: join(runDir, 'agent.sock'),
  };
}

/** What tells one instance from the others. */
export function instanceEnvironment(context: ServiceContext, unit: PlacedUnit, serviceName: string): Environment {
  const service = serviceTopology(context.spec, serviceName);
  const { address, port } = listenAddress(context.spec, unit);
  return {
    HOST: address,
    PORT: String(port),
    NINES_INSTANCE: unit.name,
    NINES_HOST: unit.host,
    NINES_ZONE: context.spec.hosts[unit.host]?.zone ?? '',
    NINES_DRAIN_MS: String(drainNoticeMs(service)),
    NINES_STOP_MS: String(service.stopTimeoutMs),
    // How long the gateway waits for an answer: the instance should give one before.
    NINES_REQUEST_MS: String(service.requestTimeoutMs),
  };
}

function secretEnvironment(context: ServiceContext, serviceName: string): Environment {
  const { secrets } = serviceTopology(context.spec, serviceName);
  return Object.fromEntries(
    secrets.map((name) => [name, needed(context.secrets.services[`${serviceName}/${name}`], `${serviceName}/${name}`)]),
  );
}

function postgresEnvironment(context: ServiceContext, group: string | null): Environment {
  if (group === null) return {};
  const { host, port, database } = postgresEndpoint(context.spec, group);
  const password = needed(context.secrets.postgres[`${group}/app`], `${group}/app`);
  // The gateway's port of the group leads to its primary, whoever that is; without a gateway this is the first one.
  const address = context.spec.gatewayAddress ?? host;
  return {
    DATABASE_URL: `postgres://app:${encodeURIComponent(password)}@${address}:${port}/${database}`,
    NINES_POSTGRES: group,
  };
}

function redisEnvironment(context: ServiceContext, group: string | null): Environment {
  if (group === null) return {};
  const { masterName, sentinels } = redisEndpoint(context.spec, group);
  const password = needed(context.secrets.redis[`${group}/app`], `${group}/app`);
  return {
    REDIS_SENTINELS: sentinels.map(({ host, port }) => `${host}:${port}`).join(','),
    REDIS_MASTER: masterName,
    REDIS_USERNAME: 'app',
    REDIS_PASSWORD: password,
    REDIS_SENTINEL_USERNAME: 'app',
    REDIS_SENTINEL_PASSWORD: password,
  };
}

function needed(secret: string | undefined, name: string): string {
  if (secret === undefined) throw new NinesError('E_IDENTITY', `this host has no secret '${name}'`);
  return secret;
}
