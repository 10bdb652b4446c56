/** A server that speaks as much of PostgreSQL's protocol as a pool needs: every statement answers the server's own name. */
import { createServer, type Server, type Socket } from 'node:net';

export interface SmallPostgres {
  port: number;
  /** Connections that are open now. */
  connections(): number;
  /** Connections there ever were, and the most whose handshake was under way at once. */
  seen(): { connections: number; mostHandshakes: number };
  /** Statements it was sent, simple ones and prepared ones. */
  statements(): number;
  /** From now on who connects gets this SQLSTATE; null: is let in. */
  refuse(sqlState: string | null): void;
  /** From now on a handshake takes so long. */
  slow(handshakeMs: number): void;
  /** From now on no statement is answered. */
  freeze(): void;
  close(): Promise<void>;
}

export interface SmallPostgresOptions {
  /** Accepts connections and says nothing. */
  mute?: boolean;
}

export async function startSmallPostgres(address: string, name: string, options: SmallPostgresOptions = {}): Promise<SmallPostgres> {
  const sockets = new Set<Socket>();
  const handshakes = new Set<Socket>();
  const seen = { connections: 0, mostHandshakes: 0 };
  let frozen = false;
  let refusal: string | null = null;
  let statements = 0;
  let handshakeMs = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    handshakes.add(socket);
    seen.connections += 1;
    seen.mostHandshakes = Math.max(seen.mostHandshakes, handshakes.size);
    socket.on('close', () => {
      sockets.delete(socket);
      handshakes.delete(socket);
    });
    socket.on('error', () => undefined);
    const letIn = (): void => {
      handshakes.delete(socket);
      if (refusal === null) socket.write(Buffer.concat([message('R', int32(0)), message('Z', Buffer.from('I'))]));
      else socket.end(message('E', Buffer.from(`SFATAL\0VFATAL\0C${refusal}\0Mnot now\0\0`)));
    };
    let started = false;
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      // Accepts and says nothing: a frozen server, whose kernel goes on.
      if (options.mute === true) return;
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const head = started ? 1 : 0;
        if (rest.length < head + 4 || rest.length < head + rest.readInt32BE(head)) return;
        const type = started ? String.fromCharCode(rest[0] ?? 0) : 'startup';
        rest = rest.subarray(head + rest.readInt32BE(head));
        if (type === 'Q' || type === 'P') statements += 1;
        if (type === 'startup') setTimeout(letIn, handshakeMs);
        else if (type === 'Q' && !frozen) socket.write(answerOf(name));
        started = true;
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, address, resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    connections: () => sockets.size,
    seen: () => ({ ...seen }),
    statements: () => statements,
    refuse: (sqlState) => {
      refusal = sqlState;
    },
    slow: (durationMs) => {
      handshakeMs = durationMs;
    },
    freeze: () => {
      frozen = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function answerOf(name: string): Buffer {
  const column = Buffer.concat([Buffer.from('name\0'), Buffer.alloc(6), int32(25), Buffer.from([255, 255]), int32(-1), Buffer.alloc(2)]);
  const value = Buffer.from(name);
  return Buffer.concat([
    message('T', Buffer.concat([Buffer.from([0, 1]), column])),
    message('D', Buffer.concat([Buffer.from([0, 1]), int32(value.length), value])),
    message('C', Buffer.from('SELECT 1\0')),
    message('Z', Buffer.from('I')),
  ]);
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
