/**
 * What load balancers ask: may this host's member be written to, read from? The paths and answers of Patroni, so that what was set
 * up for it goes on working. Plain HTTP without certificates, which load balancers do not have: only roles and positions.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { parseSize } from '../../topology/sizes.ts';
import type { Failover, MemberHealth } from '../failover/groups.ts';

const LIMITS = { requestTimeout: 2_000, headersTimeout: 2_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 4_096 } as const;
const SILENT_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 100;

export interface HealthAnswer {
  status: 200 | 400 | 404 | 503;
  body: Record<string, unknown>;
}

type Groups = Pick<Failover, 'groups' | 'health'>;

/** Pure. `path` with its query, as it came: '/primary', '/main/replica?lag=1MB'. */
export function healthAnswer(failover: Groups, path: string): HealthAnswer {
  const url = URL.parse(path, 'http://agent');
  if (url === null) return { status: 400, body: { error: 'the path is no URL' } };
  const words = url.pathname.split('/').slice(1);
  // The agent itself, which answers.
  if (words.join('/') === 'liveness') return { status: 200, body: { state: 'running' } };
  const here = failover.groups().filter((group) => failover.health(group) !== null);
  const [group, question, ...rest] = words.length === 1 ? [here[0], ...words] : words;
  if (rest.length > 0 || question === undefined) return { status: 404, body: { error: 'unknown path' } };
  if (words.length === 1 && here.length > 1) {
    return { status: 404, body: { error: `this host has several groups: ask for /GROUP/${question}, GROUP is one of ${here.join(', ')}` } };
  }
  const health = group === undefined ? null : failover.health(group);
  if (health === null) return { status: 404, body: { error: 'this host has no member of such a group' } };
  return memberAnswer(health, question, url.searchParams.get('lag'));
}

function memberAnswer(health: MemberHealth, question: string, lagLimit: string | null): HealthAnswer {
  const limitBytes = lagLimit === null ? Number.POSITIVE_INFINITY : bytesOf(lagLimit);
  if (limitBytes === null) return { status: 400, body: { error: "lag: bytes, or a size as '1MB'" } };
  const primary = health.role === 'primary' && health.admitting && health.proven;
  const replica = health.role === 'standby' && health.answers && health.streaming;
  const near = limitBytes === Number.POSITIVE_INFINITY || (health.lagBytes !== null && health.lagBytes <= limitBytes);
  const answers: Record<string, boolean> = {
    primary,
    replica: replica && near,
    sync: replica && health.counted,
    health: health.answers,
    readiness: primary || replica,
  };
  if (!Object.hasOwn(answers, question)) return { status: 404, body: { error: 'unknown path' } };
  return { status: answers[question] === true ? 200 : 503, body: bodyOf(health) };
}

function bytesOf(text: string): number | null {
  return /^\d{1,15}$/.test(text) ? Number(text) : parseSize(text);
}

function bodyOf(health: MemberHealth): Record<string, unknown> {
  const leads = health.role === 'primary';
  return {
    state: health.answers ? 'running' : 'stopped',
    role: leads ? 'primary' : 'replica',
    timeline: health.term,
    xlog: leads
      ? { location: health.flushLsn }
      : { received_location: health.flushLsn, replayed_location: health.replayLsn, lag: health.lagBytes },
    ...(health.counted ? { sync_standby: true } : {}),
    ...(health.paused ? { pause: true } : {}),
  };
}

function listener(failover: Groups): RequestListener {
  return (request, response) => {
    request.resume();
    const method = request.method ?? '';
    const { status, body } =
      method === 'GET' || method === 'HEAD'
        ? healthAnswer(failover, request.url ?? '/')
        : { status: 405, body: { error: 'only GET and HEAD are known' } };
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(method === 'HEAD' ? undefined : JSON.stringify(body));
  };
}

/** Rejects when the port is taken. */
export async function startHealthServer(failover: Groups, where: { address: string; port: number }): Promise<Server> {
  const server = createServer(LIMITS, listener(failover));
  server.timeout = SILENT_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where.port, where.address, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}
