/** Mutual TLS between the agents of a cluster: each speaks over a connection of its own, one line of JSON a message. */
import type { Server } from 'node:tls';
import { NinesError } from '../../errors/errors.ts';
import { createIncoming } from './incoming.ts';
import { Outgoing } from './outgoing.ts';
import type { Peers } from './peers.ts';

/** PEM texts of the host's agent certificate. */
export interface PeerTls {
  ca: string;
  cert: string;
  key: string;
}

export interface PeersOptions {
  /** This host's name, as in its certificate. */
  host: string;
  /** Where to listen. */
  address: string;
  /** Here and at every other host. */
  port: number;
  /** Address of every host of the cluster by name, this one's too; asked again whenever it matters. */
  peers(): Readonly<Record<string, string>>;
  tls: PeerTls;
  log(message: string): void;
}

/** Listens when it resolves; rejects with E_PORT_TAKEN when it cannot. */
export async function createPeers(options: PeersOptions): Promise<Peers> {
  const { host, port, tls, log } = options;
  const addressOf = (other: string): string | null => (other === host ? null : (options.peers()[other] ?? null));
  let receiver: (from: string, message: unknown) => void = () => undefined;
  const incoming = createIncoming({
    tls,
    isPeer: (other) => addressOf(other) !== null,
    receive: (from, message) => {
      try {
        receiver(from, message);
      } catch (error) {
        log(`a message of ${from} could not be used: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    log,
  });
  await listen(incoming.server, options);
  const outgoing = new Map<string, Outgoing>();
  const speakTo = (other: string): Outgoing | null => {
    const known = outgoing.get(other);
    if (addressOf(other) === null) {
      known?.close();
      outgoing.delete(other);
      return null;
    }
    if (known !== undefined) return known;
    const made = new Outgoing({ host: other, port, tls, address: () => addressOf(other), log });
    outgoing.set(other, made);
    return made;
  };
  // The first message of a pair should not find that nobody has connected yet.
  for (const other of Object.keys(options.peers())) speakTo(other);
  return {
    send: (other, message) => speakTo(other)?.send(`${JSON.stringify(message)}\n`),
    onMessage: (receive) => {
      receiver = receive;
    },
    close: async () => {
      for (const each of outgoing.values()) each.close();
      const closed = new Promise<void>((resolve) => incoming.server.close(() => resolve()));
      incoming.closeAll();
      await closed;
    },
  };
}

async function listen(server: Server, { address, port }: PeersOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => reject(new NinesError('E_PORT_TAKEN', `cannot listen on ${address}:${port}: ${error.message}`));
    server.once('error', fail);
    server.listen({ host: address, port }, () => {
      server.off('error', fail);
      server.on('error', () => undefined); // A connection that could not be accepted is tried again by the other side.
      resolve();
    });
  });
}
