/**
 * The agent's two doors. TCP with mutual TLS, for the operator's commands, Prometheus and other agents; a unix socket
 * without authentication for the services of the host, which shows where things are and no secret.
 * Plain `node:http(s)`: a handful of fixed routes, and the agent's memory is bounded (docs/internals/agent.md).
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { dirname } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { Failover } from './failover/groups.ts';
import type { HostState } from './host-state.ts';
import { renderMetrics } from './metrics.ts';
import { commandOf, handleCommand } from './routing/operator-commands.ts';
import { PostgresFeed } from './routing/postgres-feed.ts';

export interface ApiSource {
  state(): HostState;
  /** Text of the last lines; null for an unknown unit. */
  log(unit: string, lines: number): string | null;
  /** Where Redis and this host are, for the services; null for an unknown path. */
  local(path: string): unknown;
  failover: Failover;
}

/** Who holds the client certificate: its organisational unit. */
export type Caller = 'operator' | 'agent' | 'prometheus';

/** What each caller may ask for; everything else is 403. */
const ALLOWED: Record<Caller, RegExp> = {
  operator: /^\/(v1\/state|v1\/logs\/[a-z0-9-]+|metrics|v1\/postgres\/[a-z0-9-]+\/(view|decisions))$/,
  agent: /^\/v1\/state$/,
  prometheus: /^\/metrics$/,
};

export function mayCall(caller: string, path: string): boolean {
  return Object.hasOwn(ALLOWED, caller) && ALLOWED[caller as Caller].test(path);
}

export function operatorListener(source: ApiSource): RequestListener {
  return (request, response) => {
    const url = URL.parse(request.url ?? '/', 'https://agent');
    if (url === null) return answer(response, 400, { error: 'the path is no URL' });
    const caller = String((request.socket as TLSSocket).getPeerCertificate().subject?.OU ?? 'nobody');
    if (request.method === 'POST') return command(source, caller, url.pathname, request, response);
    if (request.method !== 'GET') return answer(response, 405, { error: 'only GET and POST are known' });
    if (!mayCall(caller, url.pathname)) return answer(response, 403, { error: `${caller} may not ask for ${url.pathname}` });
    if (url.pathname === '/metrics') return text(response, renderMetrics(source.state(), source.failover));
    if (url.pathname === '/v1/state') return answer(response, 200, source.state());
    if (url.pathname.startsWith('/v1/postgres/')) return postgresAnswer(source.failover, url, response);
    const lines = Math.min(10_000, Math.max(1, Number(url.searchParams.get('lines') ?? 100) || 100));
    const log = source.log(url.pathname.slice('/v1/logs/'.length), lines);
    if (log === null) return answer(response, 404, { error: 'this host has no such unit' });
    text(response, log);
  };
}

/** Commands are the operator's alone: no host commands another one. */
function command(source: ApiSource, caller: string, path: string, request: IncomingMessage, response: ServerResponse): void {
  const asked = commandOf(path);
  if (caller !== 'operator' || asked === null) {
    request.resume();
    return answer(response, caller === 'operator' ? 404 : 403, { error: `${caller} may not command ${path}` });
  }
  if (source.failover.view(asked.group) === null) {
    request.resume();
    return answer(response, 404, { error: `there is no PostgreSQL group '${asked.group}'` });
  }
  handleCommand(source.failover, asked, request).then(
    ({ status, body }) => answer(response, status, body),
    (error: unknown) => answer(response, 500, { error: error instanceof Error ? error.message : String(error) }),
  );
}

function postgresAnswer(failover: Failover, url: URL, response: ServerResponse): void {
  const [, , , group = '', what] = url.pathname.split('/');
  const view = failover.view(group);
  if (view === null) return answer(response, 404, { error: `there is no PostgreSQL group '${group}'` });
  if (what === 'view') return answer(response, 200, view);
  const sinceMs = Number(url.searchParams.get('since') ?? 0);
  if (!Number.isFinite(sinceMs)) return answer(response, 400, { error: 'since: milliseconds since 1970' });
  response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(failover.decisions(group, sinceMs));
}

const FEED_PATH = /^\/v1\/postgres\/([a-z0-9-]+)(\/stream)?$/;

export function localListener(source: Pick<ApiSource, 'local'>, feed: PostgresFeed): RequestListener {
  return (request, response) => {
    if (request.method !== 'GET') return answer(response, 405, { error: 'only GET is known' });
    const url = URL.parse(request.url ?? '/', 'http://agent');
    if (url === null) return answer(response, 400, { error: 'the path is no URL' });
    const [, group, stream] = FEED_PATH.exec(url.pathname) ?? [];
    if (group !== undefined && stream !== undefined) {
      const opened = feed.open(group, response);
      if (opened === 503) return answer(response, 503, { error: 'too many streams are open' });
      if (opened === 404) return answer(response, 404, { error: `there is no PostgreSQL group '${group}'` });
      return;
    }
    const found = group === undefined ? source.local(url.pathname) : feed.once(group);
    if (found === null) return answer(response, 404, { error: 'unknown path' });
    answer(response, 200, found);
  };
}

/** Nobody may hold a connection, or many, for longer than a request takes: agents have little memory. */
const LIMITS = { requestTimeout: 5_000, headersTimeout: 5_000, connectionsCheckingInterval: 5_000 } as const;
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** Without a byte in either direction: also a client that does not read its answer. Streams send a life sign more often. */
const SILENT_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 200;

export interface ApiServers {
  close(): Promise<void>;
}

export async function startApi(
  source: ApiSource,
  options: { address: string; port: number; socketFile: string; tls: { ca: string; cert: string; key: string } },
): Promise<ApiServers> {
  const tcp = createTlsServer(
    {
      ...options.tls,
      ...LIMITS,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    },
    guarded(operatorListener(source)),
  );
  const feed = new PostgresFeed(source.failover);
  const local = createServer(LIMITS, guarded(localListener(source, feed)));
  for (const server of [tcp, local]) {
    server.timeout = SILENT_TIMEOUT_MS;
    server.maxConnections = MAX_CONNECTIONS;
  }
  mkdirSync(dirname(options.socketFile), { recursive: true });
  rmSync(options.socketFile, { force: true }); // Left by an agent that was killed.
  await listen(tcp, { host: options.address, port: options.port });
  await listen(local, { path: options.socketFile });
  chmodSync(options.socketFile, 0o666);
  return {
    close: async () => {
      feed.close();
      await Promise.all([tcp, local].map(closeServer));
    },
  };
}

/** A fault in a handler answers 500; it must not end the agent. */
function guarded(listener: RequestListener): RequestListener {
  return (request: IncomingMessage, response: ServerResponse & { req: IncomingMessage }) => {
    // The body of a command is read by who handles it.
    if (request.method !== 'POST') request.resume();
    try {
      listener(request, response);
    } catch (error) {
      answer(response, 500, { error: error instanceof Error ? error.message : String(error) });
    }
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function text(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
}

async function listen(
  server: Pick<Server, 'listen' | 'once' | 'off'>,
  where: { host: string; port: number } | { path: string },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closeServer(server: Pick<Server, 'close' | 'closeAllConnections'>): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
