/** The tiny service behind both gateways. argv: address port. */
import { createServer } from 'node:http';

const [address, port] = process.argv.slice(2);
const answer = JSON.stringify({ id: 42, state: 'paid', items: [{ sku: 'a-1', count: 2 }] });
createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': answer.length });
    response.end(answer);
  });
}).listen(Number(port), address, () => process.send?.('listening'));
process.on('disconnect', () => process.exit(0));
