/** One service's part of the configuration. Pure. */
import type { GatewayTopology, NextUpstream } from '../../topology/topology.ts';
import { CONNECT_TIMEOUT_MS, checkTimings } from './checks.ts';
import { quoted } from './quote.ts';
import type { Route } from './routes.ts';

/**
 * The article's nginx words in HAProxy's. nginx counts a connection that cannot be opened in time as 'timeout' and a
 * refused one as 'error'; HAProxy has one word for both.
 */
const RETRY_ON: Record<NextUpstream, string[]> = {
  error: ['conn-failure', 'empty-response'],
  timeout: ['conn-failure', 'response-timeout'],
  invalid_header: ['junk-response'],
  http_500: ['500'],
  http_502: ['502'],
  http_503: ['503'],
  http_504: ['504'],
};

/**
 * A request on a kept connection to a host that is gone is never acknowledged: the kernel gives up after this, and the
 * request goes elsewhere. A slow instance acknowledges at once, so this is no limit on answers. It stands on each
 * server's line because HAProxy 2.6 does not take it from `default-server` (the socket had TCP_USER_TIMEOUT 0).
 */
const UNACKNOWLEDGED_LIMIT_MS = 2 * CONNECT_TIMEOUT_MS;

/** Words for `retry-on`, in a fixed order, each once; 'none' for an empty list. */
export function retryOn(words: readonly NextUpstream[]): string[] {
  const wanted = new Set(words.flatMap((word) => RETRY_ON[word]));
  const all = [...new Set(Object.values(RETRY_ON).flat())];
  const chosen = all.filter((word) => wanted.has(word));
  return chosen.length === 0 ? ['none'] : chosen;
}

export function backendLines(route: Route, gateway: GatewayTopology): string[] {
  const { service } = route;
  return [
    `backend ${route.serviceName}`,
    // Of two random servers the one with fewer requests in flight: a frozen server collects requests and is chosen
    // less. (leastconn would wait `timeout connect` before it retries elsewhere.)
    '    balance random(2)',
    `    timeout server ${service.requestTimeoutMs}ms`,
    ...retryLines(gateway),
    ...checkLines(route),
    `    default-server maxconn ${service.maxConcurrent} ${serverOptions(route, gateway).join(' ')}`,
    ...route.servers.map((server) => `    server ${server.name} ${server.address}:${server.port} tcp-ut ${UNACKNOWLEDGED_LIMIT_MS}ms`),
    '',
  ];
}

function retryLines(gateway: GatewayTopology): string[] {
  const words = retryOn(gateway.nextUpstream);
  return [
    `    retries ${words[0] === 'none' ? 0 : 3}`,
    '    option redispatch 1',
    `    retry-on ${words.join(' ')}`,
    // Replays need the body: it is read whole (up to tune.bufsize) before a server is chosen.
    '    option http-buffer-request',
    '    acl may_replay method GET HEAD OPTIONS PUT DELETE TRACE',
    '    acl may_replay req.hdr(Idempotency-Key) -m found',
    '    http-request disable-l7-retry unless may_replay',
  ];
}

function checkLines(route: Route): string[] {
  return [
    '    option httpchk',
    `    http-check send meth GET uri ${quoted(route.service.health.readyPath)} ver HTTP/1.1 hdr Host nines-gateway`,
    '    http-check expect status 200-399',
    '    http-check disable-on-404',
    `    timeout check ${checkTimings(route.service).answerMs}ms`,
  ];
}

function serverOptions(route: Route, gateway: GatewayTopology): string[] {
  const { intervalMs, confirmMs, returnMs, fall } = checkTimings(route.service);
  return [
    `check inter ${intervalMs}ms fastinter ${confirmMs}ms downinter ${returnMs}ms fall ${fall} rise 1`,
    // Only connections that cannot be opened count here. With `layer7`, three 503 for want of the shared database
    // would take out every instance, reads and all; and 2.6 does not count failures that it retried (haproxy#2679).
    ...(gateway.maxFails > 0 ? [`observe layer4 error-limit ${gateway.maxFails} on-error mark-down`] : []),
    'pool-purge-delay 1s',
  ];
}
