/** The door at which other agents speak: one connection for each, the newest. */
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { PeerTls } from './create-peers.ts';
import { LineReader, MAX_LINE_BYTES } from './lines.ts';

const HANDSHAKE_TIMEOUT_MS = 2_000;
/** The other sends at least an empty line five times a second. */
const SILENT_TIMEOUT_MS = 5_000;
/** Answers that the other does not take are not piled up. */
const MAX_UNSENT_BYTES = 4 * 1024;
/** Also connections that never say who they are. */
const MAX_CONNECTIONS = 100;

export interface IncomingOptions {
  tls: PeerTls;
  /** Hosts that may speak. */
  isPeer(host: string): boolean;
  receive(from: string, message: unknown): void;
  log(message: string): void;
}

export interface Incoming {
  server: Server;
  closeAll(): void;
}

export function createIncoming(options: IncomingOptions): Incoming {
  const byHost = new Map<string, TLSSocket>();
  const all = new Set<{ destroy(): unknown }>();
  const server = createServer(
    { ...options.tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
    (socket) => {
      socket.on('error', () => undefined); // 'close' follows.
      const host = callerOf(socket);
      if (host === null || !options.isPeer(host)) {
        options.log(`refused ${socket.remoteAddress ?? 'somebody'}: not an agent of this cluster's hosts`);
        socket.destroy();
        return;
      }
      byHost.get(host)?.destroy();
      byHost.set(host, socket);
      socket.once('close', () => {
        if (byHost.get(host) === socket) byHost.delete(host);
      });
      serve(socket, host, options);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Before the handshake as well: closing must end those too.
  server.on('connection', (socket) => {
    all.add(socket);
    socket.once('close', () => all.delete(socket));
  });
  return {
    server,
    closeAll: () => {
      for (const socket of all) socket.destroy();
    },
  };
}

function callerOf(socket: TLSSocket): string | null {
  const { subject } = socket.getPeerCertificate();
  return subject?.OU === 'agent' && typeof subject.CN === 'string' ? subject.CN : null;
}

function serve(socket: TLSSocket, host: string, { receive, log }: IncomingOptions): void {
  const reader = new LineReader();
  const end = (why: string): void => {
    log(`ended the connection of ${host}: ${why}`);
    socket.destroy();
  };
  socket.setNoDelay(true);
  socket.setTimeout(SILENT_TIMEOUT_MS, () => end('it is silent'));
  socket.on('data', (chunk: Buffer) => {
    if (socket.destroyed) return;
    const lines = reader.read(chunk);
    if (lines === null) return end(`a message is longer than ${MAX_LINE_BYTES} bytes`);
    for (const line of lines) {
      if (line === '') answer(socket);
      else if (!deliver(line, host, receive)) return end('a message is no JSON');
    }
  });
}

function answer(socket: TLSSocket): void {
  if (socket.writableLength < MAX_UNSENT_BYTES) socket.write('\n');
}

function deliver(line: string, host: string, receive: IncomingOptions['receive']): boolean {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return false;
  }
  receive(host, message);
  return true;
}
