import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface MuteProxy {
  /** https://127.0.0.1:PORT: the certificates name 127.0.0.1 too. */
  endpoint: string;
  /** From now on requests arrive and no answer comes back: what a one-way cut looks like. */
  mute(): void;
  close(): Promise<void>;
}

/** Passes TLS through to an etcd member, untouched. */
export async function muteProxy(target: string): Promise<MuteProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let muted = false;
  const server = createServer((client) => {
    const upstream = connect({ host: hostname, port: Number(port) });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => (client.destroy(), upstream.destroy(), sockets.delete(socket)));
    }
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      if (!muted) client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mute: () => {
      muted = true;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
