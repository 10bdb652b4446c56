/**
 * The gateway. HAProxy runs as master and worker: the master's pid stays the same over a reload (SIGUSR2), in which
 * the new worker takes the listening sockets over and the old one finishes its requests.
 */
import { join } from 'node:path';
import { networkInterfaces } from 'node:os';
import type { Engine, EngineIo, Observation, UnitContext, UnitPlan } from '../engine.ts';
import { GATEWAY_METRICS_PORT, replicaPort } from '../../topology/ports.ts';
import { databaseRoutes } from './database.ts';
import { renderHaproxy } from './render.ts';
import { askRuntime } from './runtime-socket.ts';
import { gatewayStat, type ServerStat } from './stat.ts';

const HAPROXY = '/usr/sbin/haproxy';
const USER = 'haproxy';

/** The runtime socket of the gateway unit on this host (root and haproxy only). */
export function runtimeSocketOf(context: Pick<UnitContext, 'paths' | 'unit'>): string {
  return join(context.paths.runDir, context.unit.name, 'runtime.sock');
}

/** The socket of the master, which reaches workers of before a reload. */
export function masterSocketOf(context: Pick<UnitContext, 'paths' | 'unit'>): string {
  return join(context.paths.runDir, context.unit.name, 'master.sock');
}

export const haproxy: Engine = { plan, prepare, observe };

function plan(context: UnitContext): UnitPlan {
  const { spec, unit, paths } = context;
  const folder = join(paths.dataDir, 'units', unit.name);
  const configFile = join(folder, 'haproxy.cfg');
  const port = spec.topology.gateway?.port ?? 0;
  return {
    name: unit.name,
    engine: 'haproxy',
    after: [],
    argv: [HAPROXY, '-W', '-S', `${masterSocketOf(context)},mode,600`, '-f', configFile],
    // Buffers above glibc's limits would be mapped and unmapped for each request: 65 us of CPU instead of 43 at 144 kB.
    env: { MALLOC_MMAP_THRESHOLD_: String(32 << 20), MALLOC_TRIM_THRESHOLD_: String(64 << 20) },
    cwd: '/',
    user: USER,
    ...(port < 1024 ? { capabilities: ['net_bind_service'] } : {}),
    directories: [
      { path: folder, mode: 0o750 },
      { path: join(paths.runDir, unit.name), mode: 0o700 },
    ],
    files: [
      {
        path: configFile,
        content: renderHaproxy(spec, unit.host, runtimeSocketOf(context)),
        mode: 0o600,
        onChange: 'reload',
      },
    ],
    // keepalived has stopped before and taken the address away: what is left are requests in flight.
    stop: { signal: 'SIGUSR1', timeoutMs: 1_500 },
    startTimeoutMs: 5_000,
    reloadSignal: 'SIGUSR2',
    listens: [
      { address: spec.gatewayAddress ?? '', port, what: 'gateway' },
      { address: spec.hosts[unit.host]?.address ?? '', port: GATEWAY_METRICS_PORT, what: 'gateway metrics' },
      ...databaseRoutes(spec).flatMap(({ group, port: primary }) => [
        { address: spec.gatewayAddress ?? '', port: primary, what: `PostgreSQL '${group}', primary` },
        { address: spec.gatewayAddress ?? '', port: replicaPort(primary), what: `PostgreSQL '${group}', replicas` },
      ]),
    ],
  };
}

/** A configuration that HAProxy refuses is reported with HAProxy's words instead of a restart loop. */
async function prepare(_context: UnitContext, plan: UnitPlan, io: EngineIo): Promise<void> {
  const configFile = plan.argv.at(-1) ?? '';
  await io.run([HAPROXY, '-c', '-q', '-f', configFile], { user: plan.user, timeoutMs: 4_000 });
}

async function observe(context: UnitContext, _plan: UnitPlan, io: EngineIo): Promise<Observation> {
  let answer: string;
  try {
    answer = await askRuntime(runtimeSocketOf(context), 'show stat', io.signal);
  } catch (error) {
    const reason = `HAProxy does not answer: ${error instanceof Error ? error.message : String(error)}`;
    return { ready: false, live: false, reason };
  }
  const stat = gatewayStat(answer);
  const usable = stat.servers.filter((server) => server.usable).length;
  const primaries = stat.databases.filter(({ backend, usable: ready }) => ready && backend.endsWith('_primary'));
  // Services may need the database through this gateway before any of them is up: that is work too.
  const ready = usable > 0 || primaries.length > 0;
  const role = holdsAddress(context.spec.gatewayAddress) ? 'active' : 'backup';
  return {
    ready,
    live: true,
    waitsForOthers: !ready,
    role,
    reason: [`${usable} of ${stat.servers.length} instances are usable`, ...primaries.map(primaryText)].join('; '),
    details: {
      sessions: stat.sessions,
      serversUp: usable,
      serversTotal: stat.servers.length,
      retries: stat.servers.reduce((sum, server) => sum + server.retries, 0),
    },
  };
}

function primaryText({ backend, server }: ServerStat): string {
  return `${backend} goes to ${server}`;
}

/** True when an interface of this host carries the address now. */
export function holdsAddress(address: string | null): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === address));
}
