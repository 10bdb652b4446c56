/** HAProxy's runtime API: one command per connection, text back. */
import { createConnection } from 'node:net';

/** Rejects when the socket is not there, breaks, or the signal fires. */
export function askRuntime(socketPath: string, command: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path: socketPath });
    const chunks: Buffer[] = [];
    const giveUp = () => socket.destroy(new Error(`no answer on ${socketPath} in time`));
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    socket.on('connect', () => socket.end(`${command}\n`));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      signal.removeEventListener('abort', giveUp);
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
  });
}
