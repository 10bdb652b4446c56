import { formatDuration } from '../durations.ts';
import { nearest } from '../nearest.ts';
import { type Problem, refused } from '../problems.ts';
import type { ServiceTopology, Topology } from '../topology.ts';

/** Unit names are '<service>-<n>' and '<engine>-<group>': a service of one of these names could mean either. */
const ENGINE_NAMES = ['etcd', 'postgres', 'redis', 'sentinel', 'haproxy', 'keepalived', 'prometheus', 'alertmanager'];

export function serviceProblems(topology: Topology): Problem[] {
  const services = Object.entries(topology.services);
  if (services.length === 0) return [{ path: ['services'], text: 'is empty; give at least one service' }];
  return [...services.flatMap(([name, service]) => problemsOfService(name, service, topology)), ...repeatedPaths(services)];
}

function problemsOfService(name: string, service: ServiceTopology, topology: Topology): Problem[] {
  const path = ['services', name];
  const reserved = ENGINE_NAMES.find((engine) => name === engine || name.startsWith(`${engine}-`));
  const problems: Problem[] = [];
  if (reserved !== undefined) {
    problems.push({
      path,
      text: `the name is taken by the engine ${reserved}; allowed: a name that neither is '${reserved}' nor begins with '${reserved}-'`,
    });
  }
  for (const kind of ['postgres', 'redis'] as const) {
    const text = unknownGroup(service.uses[kind], kind, Object.keys(topology[kind]));
    if (text !== null) problems.push({ path: [...path, 'uses', kind], text });
  }
  problems.push(...reservedVariables(service, path));
  for (const variable of service.secrets) {
    if (Object.hasOwn(service.env, variable)) {
      problems.push({ path: [...path, 'env', variable], text: `is one of the service's secrets too; give it in 'env' or in 'secrets'` });
    }
  }
  const { readDeadlineMs } = topology.objectives;
  if (service.requestTimeoutMs >= readDeadlineMs) {
    const allowed = `less than objectives.readDeadline ('${formatDuration(readDeadlineMs)}'), else a hang of one instance uses up the whole deadline`;
    problems.push({ path: [...path, 'requestTimeout'], text: refused(formatDuration(service.requestTimeoutMs), allowed) });
  }
  return problems;
}

/** The instance would get another value than the one that was written: Nines sets these last. */
function reservedVariables(service: ServiceTopology, path: string[]): Problem[] {
  const { postgres, redis } = service.uses;
  const reserved: [RegExp, string][] = [
    [/^(?:HOST|PORT)$/, 'where each instance listens'],
    [/^NINES_/, 'what Nines tells an instance'],
    ...(postgres === null ? [] : [[/^DATABASE_URL$/, `where PostgreSQL group '${postgres}' is`] as [RegExp, string]]),
    ...(redis === null ? [] : [[/^REDIS_/, `where Redis group '${redis}' is`] as [RegExp, string]]),
  ];
  const given = [
    ...Object.keys(service.env).map((name) => ({ name, at: [...path, 'env', name] })),
    ...service.secrets.map((name, index) => ({ name, at: [...path, 'secrets', index] })),
  ];
  return given.flatMap(({ name, at }) =>
    reserved
      .filter(([pattern]) => pattern.test(name))
      .map(([, what]) => ({ path: at, text: `${name} is set by Nines: ${what}; choose another name` })),
  );
}

function unknownGroup(group: string | null, kind: 'postgres' | 'redis', groups: string[]): string | null {
  if (group === null || groups.includes(group)) return null;
  if (groups.length === 0)
    return refused(group, `no name: the topology has no ${kind} group; add ${kind}: { ${JSON.stringify(group)}: {} }`);
  const meant = nearest(group, groups);
  return refused(group, `${groups.map((name) => `'${name}'`).join(', ')}${meant === null ? '' : `; did you mean '${meant}'?`}`);
}

function repeatedPaths(services: [string, ServiceTopology][]): Problem[] {
  const first = new Map<string, string>();
  return services.flatMap(([name, { path }]) => {
    const before = first.get(path);
    if (before === undefined) {
      first.set(path, name);
      return [];
    }
    return [
      { path: ['services', name, 'path'], text: refused(path, `a prefix that no other service has; service '${before}' has this one`) },
    ];
  });
}
