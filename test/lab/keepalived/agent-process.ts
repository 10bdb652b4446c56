/** Answers as a host's agent does to the services of its host, and can be frozen and killed. argv: socket file. Listens when it is told. */
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';

const socketFile = process.argv[2] ?? '';
process.on('message', () => {
  rmSync(socketFile, { force: true });
  createServer((_request, response) => response.end('{}')).listen(socketFile, () => process.send?.('listens'));
});
process.on('disconnect', () => process.exit(0));
process.send?.('waits');
