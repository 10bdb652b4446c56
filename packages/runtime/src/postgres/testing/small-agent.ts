/** An agent's unix socket with the one stream that a pool reads. */
import { createServer, type ServerResponse } from 'node:http';

export interface SmallAgent {
  /** What it says from now on, to those who read already too. */
  say(place: object): void;
  readers(): number;
  close(): Promise<void>;
}

export async function startSmallAgent(socketPath: string, place: object): Promise<SmallAgent> {
  const readers = new Set<ServerResponse>();
  let last = place;
  const server = createServer((request, response) => {
    if (request.url !== '/v1/postgres/main/stream') {
      response.writeHead(404).end();
      return;
    }
    readers.add(response);
    response.on('close', () => readers.delete(response));
    response.writeHead(200);
    response.write(`${JSON.stringify(last)}\n`);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    say: (next) => {
      last = next;
      // In two pieces, with a life sign before: a reader must not take a chunk for a line.
      const line = `${JSON.stringify(next)}\n`;
      for (const reader of readers) {
        reader.write(`\n${line.slice(0, 10)}`);
        setImmediate(() => reader.write(line.slice(10)));
      }
    },
    readers: () => readers.size,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
