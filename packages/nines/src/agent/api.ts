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
import type { HostState } from './host-state.ts';
import { renderMetrics } from './metrics.ts';

export interface ApiSource {
  state(): HostState;
  /** Text of the last lines; null for an unknown unit. */
  log(unit: string, lines: number): string | null;
  /** Where PostgreSQL, Redis and this host are, for the services; null for an unknown path. */
  local(path: string): unknown;
}

/** Who holds the client certificate: its organisational unit. */
export type Caller = 'operator' | 'agent' | 'prometheus';

/** What each caller may ask for; everything else is 403. */
const ALLOWED: Record<Caller, RegExp> = {
  operator: /^\/(v1\/state|v1\/logs\/[a-z0-9-]+|metrics)$/,
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
    if (request.method !== 'GET') return answer(response, 405, { error: 'only GET is known' });
    if (!mayCall(caller, url.pathname)) return answer(response, 403, { error: `${caller} may not ask for ${url.pathname}` });
    if (url.pathname === '/metrics') return text(response, renderMetrics(source.state()));
    if (url.pathname === '/v1/state') return answer(response, 200, source.state());
    const lines = Math.min(10_000, Math.max(1, Number(url.searchParams.get('lines') ?? 100) || 100));
    const log = source.log(url.pathname.slice('/v1/logs/'.length), lines);
    if (log === null) return answer(response, 404, { error: 'this host has no such unit' });
    text(response, log);
  };
}

export function localListener(source: ApiSource): RequestListener {
  return (request, response) => {
    if (request.method !== 'GET') return answer(response, 405, { error: 'only GET is known' });
    const url = URL.parse(request.url ?? '/', 'http://agent');
    if (url === null) return answer(response, 400, { error: 'the path is no URL' });
    const found = source.local(url.pathname);
    if (found === null) return answer(response, 404, { error: 'unknown path' });
    answer(response, 200, found);
  };
}

/** Nobody may hold a connection, or many, for longer than a request takes: agents have little memory. */
const LIMITS = { requestTimeout: 5_000, headersTimeout: 5_000, connectionsCheckingInterval: 5_000 } as const;
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** Without a byte in either direction: also a client that does not read its answer. */
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
  const local = createServer(LIMITS, guarded(localListener(source)));
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
      await Promise.all([tcp, local].map(closeServer));
    },
  };
}

/** A fault in a handler answers 500; it must not end the agent. */
function guarded(listener: RequestListener): RequestListener {
  return (request: IncomingMessage, response: ServerResponse & { req: IncomingMessage }) => {
    request.resume();
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
