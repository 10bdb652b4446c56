/** One agent at a time per host: two would both start what one of them just started. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { NinesError } from '../errors/errors.ts';

/**
 * Held until the process ends, however it ends: the kernel frees an abstract unix socket with its last descriptor, and no
 * child inherits it. Rejects with E_USAGE when another agent works on that run folder.
 */
export async function claimHost(runDir: string): Promise<Server> {
  const name = createHash('sha256').update(runDir).digest('hex').slice(0, 32);
  const claim = createServer((socket) => socket.destroy());
  return await new Promise<Server>((resolve, reject) => {
    claim.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return reject(cause);
      reject(new NinesError('E_USAGE', `another agent runs this host (${runDir})`, { hint: 'Stop the other agent; its units go on.' }));
    });
    claim.listen({ path: `\0nines-agent/${name}` }, () => {
      claim.unref();
      resolve(claim);
    });
  });
}
