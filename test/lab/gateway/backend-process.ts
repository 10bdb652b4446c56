/** One instance of a tiny service, in a process of its own so that it can be killed and frozen. argv: address port name. */
import { createServer } from 'node:http';

const [address, port, name] = process.argv.slice(2);
const state = { readyStatus: 200, holdMs: 0, close: false };
/** Requests by method, `/ready` apart; 'left' counts those whose other side went away before the answer. */
const received: Record<string, number> = {};

const server = createServer((request, response) => {
  if (request.url === '/ready') {
    response.writeHead(state.readyStatus).end();
    return;
  }
  const method = request.method ?? '';
  received[method] = (received[method] ?? 0) + 1;
  response.on('close', () => {
    if (!response.writableFinished) received['left'] = (received['left'] ?? 0) + 1;
  });
  let bytes = 0;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  request.on('end', () => {
    const answer = () => {
      if (state.close) response.setHeader('Connection', 'close');
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ name, bytes, headers: request.headers }));
    };
    if (state.holdMs > 0) setTimeout(answer, state.holdMs);
    else answer();
  });
});
server.listen(Number(port), address, () => process.send?.({ listening: true }));

process.on('message', (message: Partial<typeof state>) => {
  Object.assign(state, message);
  process.send?.({ received: { ...received } });
});
process.on('disconnect', () => process.exit(0));
