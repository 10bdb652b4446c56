/** A link that can be cut as a network is: nothing arrives and nobody is told; connections made meanwhile hang. */
import { connect, createServer, type Socket } from 'node:net';

export interface CutProxy {
  cut(): void;
  /** What hung in between stays lost, as packets do. */
  heal(): void;
  close(): Promise<void>;
}

/** Listens at `address`, speaks to `target`, on the same port. */
export async function cutProxy(address: string, target: string, port: number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    const upstream = connect({ host: target, port });
    const pass = (to: Socket) => (bytes: Buffer) => {
      if (!isCut) to.write(bytes);
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        // The end of a connection is a packet too.
        if (!isCut) for (const each of [client, upstream]) each.destroy();
        sockets.delete(socket);
      });
    }
    client.on('data', pass(upstream));
    upstream.on('data', pass(client));
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return {
    cut: () => {
      isCut = true;
    },
    heal: () => {
      isCut = false;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
