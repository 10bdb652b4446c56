/** An agent's ear and mouth alone, in a process that a test may freeze: it sends every message back. */
import { readFileSync } from 'node:fs';
import { createPeers } from '../../packages/nines/src/agent/peers/create-peers.ts';
import { AGENT_PEER_PORT } from '../../packages/nines/src/topology/ports.ts';

const [host = '', addresses = '{}', caFile = '', certFile = '', keyFile = ''] = process.argv.slice(2);
const peers = await createPeers({
  host,
  address: (JSON.parse(addresses) as Record<string, string>)[host] ?? '',
  port: AGENT_PEER_PORT,
  peers: () => JSON.parse(addresses) as Record<string, string>,
  tls: { ca: readFileSync(caFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') },
  log: () => undefined,
});
peers.onMessage((from, message) => peers.send(from, message));
process.stdout.write('listens\n');
