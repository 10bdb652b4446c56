/** HAProxy's whole configuration from the cluster's desired state. Pure. */
import { NinesError } from '../../errors/errors.ts';
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import { GATEWAY_METRICS_PORT } from '../../topology/ports.ts';
import type { GatewayTopology, HostName } from '../../topology/topology.ts';
import { backendLines } from './backend.ts';
import { CONNECT_TIMEOUT_MS } from './checks.ts';
import { databaseLines, databaseRoutes } from './database.ts';
import { quoted } from './quote.ts';
import { type Route, routes } from './routes.ts';

/** Answered by the gateway itself, on the virtual address and on the metrics port: which host is this? */
export const WHO_PATH = '/__nines/gateway';

/** Memory that request and response buffers may take together when every connection fills one. */
const BUFFER_MEMORY_BYTES = 384 * 1024 * 1024;
/** Room beside the body for the request line, the headers and HAProxy's own bookkeeping. */
const HEADER_ROOM_BYTES = 8 * 1024;

/** Where a path goes that no service has; service names have no underscore. */
const NO_SERVICE = 'nines_no_service';

/**
 * tune.bufsize: a body of replayBodyBytes fits with its headers. HAProxy 2.6 copies a whole buffer for every request
 * that may be replayed, however small: CPU per request is 26 us with 24 kB, 33 with 64 kB, 65 with 144 kB, 134 with 256 kB.
 */
export function bufferBytes(gateway: GatewayTopology): number {
  return Math.ceil((gateway.replayBodyBytes + HEADER_ROOM_BYTES) / 1024) * 1024;
}

/** Connections at once; bounded by memory, so that slow senders of large bodies cannot take it all. */
export function maxConnections(gateway: GatewayTopology): number {
  return Math.max(256, Math.min(4000, Math.floor(BUFFER_MEMORY_BYTES / bufferBytes(gateway))));
}

/** @throws NinesError E_CONFIG_INVALID when the topology has no gateway or a word cannot be written. */
export function renderHaproxy(spec: ClusterSpec, hostName: HostName, runtimeSocket: string): string {
  const { gateway } = spec.topology;
  const host = spec.hosts[hostName];
  if (gateway === null || spec.gatewayAddress === null || host === undefined) {
    throw new NinesError('E_CONFIG_INVALID', `there is no gateway to run on host '${hostName}'`);
  }
  const table = routes(spec);
  const who = quoted(JSON.stringify({ host: hostName, zone: host.zone, region: host.region }));
  return [
    '# Made by Nines from the topology; a change here is overwritten.',
    ...globalLines(gateway, runtimeSocket),
    ...defaultsLines(),
    ...gatewayLines(`${spec.gatewayAddress}:${gateway.port}`, who, table),
    ...metricsLines(`${host.address}:${GATEWAY_METRICS_PORT}`, who),
    ...table.flatMap((route) => backendLines(route, gateway)),
    ...(table.some((route) => route.prefix === '') ? [] : noServiceLines()),
    // Last: it begins with `defaults` of its own.
    ...databaseLines(databaseRoutes(spec), spec.gatewayAddress, Math.floor(maxConnections(gateway) / 4)),
  ].join('\n');
}

function globalLines(gateway: GatewayTopology, runtimeSocket: string): string[] {
  return [
    'global',
    // The level leaves out one line per request; see `option log-separate-errors`.
    '    log stdout format raw daemon notice',
    `    stats socket ${quoted(runtimeSocket)} mode 600 level admin expose-fd listeners`,
    '    stats timeout 10s',
    `    maxconn ${maxConnections(gateway)}`,
    // With fewer file descriptors than that, serve fewer connections rather than none.
    '    no strict-limits',
    `    tune.bufsize ${bufferBytes(gateway)}`,
    // After a reload the old worker finishes its requests, but not for ever.
    '    hard-stop-after 30s',
    '    spread-checks 10',
    '',
  ];
}

function defaultsLines(): string[] {
  return [
    'defaults',
    '    mode http',
    '    log global',
    '    option httplog',
    '    option dontlog-normal',
    '    option dontlognull',
    '    option log-separate-errors',
    `    timeout connect ${CONNECT_TIMEOUT_MS}ms`,
    // A client that gave up leaves the queue, its instance and its retries at once. Without this each request that nobody waits for
    // any more is sent four times over (2.6), and an outage of the database goes on for as long as that takes. Here and not in the
    // backends: the side that sees the client go is the frontend's.
    '    option abortonclose',
    // Nobody waits longer for what is shed anyway: the client's one retry still finds time.
    '    timeout queue 400ms',
    '    timeout client 30s',
    // Request line, headers and the buffered body together: the limit for a slow client.
    '    timeout http-request 5s',
    '    timeout http-keep-alive 60s',
    '    timeout tunnel 10m',
    ...[
      ['502', 'no instance gave a valid answer'],
      ['503', 'no instance is ready'],
      ['504', 'no instance answered in time'],
    ].map(
      ([status, error]) =>
        `    http-error status ${status} content-type application/json string '${JSON.stringify({ error })}' hdr Retry-After 1`,
    ),
    '',
  ];
}

function gatewayLines(bind: string, who: string, table: Route[]): string[] {
  const whole = table.find((route) => route.prefix === '');
  return [
    'frontend nines_gateway',
    `    bind ${bind}`,
    // A reload must not close a kept connection just when its client sends the next request.
    '    option idle-close-on-response',
    `    http-request return status 200 content-type application/json string ${who} if { path ${WHO_PATH} }`,
    // The gateway is the edge: what a client claims about its own address is not passed on.
    '    http-request set-header X-Forwarded-For %[src]',
    '    http-request set-header X-Forwarded-Proto http',
    '    acl has_request_id req.hdr(X-Request-Id) -m reg ^[A-Za-z0-9._-]{1,64}$',
    '    http-request set-header X-Request-Id %[uuid()] unless has_request_id',
    ...table.flatMap((route) => (route.prefix === '' ? [] : [routeLine(route)])),
    `    default_backend ${whole?.serviceName ?? NO_SERVICE}`,
    '',
  ];
}

function routeLine(route: Route): string {
  return `    use_backend ${route.serviceName} if { path ${quoted(route.prefix)} } or { path_beg ${quoted(`${route.prefix}/`)} }`;
}

function noServiceLines(): string[] {
  const answer = quoted(JSON.stringify({ error: 'no service has this path' }));
  return [`backend ${NO_SERVICE}`, `    http-request return status 404 content-type application/json string ${answer}`, ''];
}

function metricsLines(bind: string, who: string): string[] {
  return [
    'frontend nines_metrics',
    `    bind ${bind}`,
    '    http-request use-service prometheus-exporter if { path /metrics }',
    `    http-request return status 200 content-type application/json string ${who} if { path ${WHO_PATH} }`,
    '    http-request return status 404',
    '',
  ];
}
