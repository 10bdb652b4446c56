import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { NinesError } from '../errors/errors.ts';

const RETRY_MS = 5;
const LOCK_TIMEOUT_MS = 20_000;

/**
 * Runs `work` while no other process of this machine does so under the same name.
 * The lock is a listening abstract unix socket: no file is left behind, and the kernel frees it when its holder dies.
 * @throws NinesError E_LAB_COMMAND when the holder keeps it for more than 20 s, E_INTERRUPTED
 */
export async function withLock<Result>(name: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  const deadlineMs = performance.now() + LOCK_TIMEOUT_MS;
  let holder = await tryToListen(name);
  while (holder === null) {
    if (signal.aborted) throw new NinesError('E_INTERRUPTED', `Interrupted while waiting for the lock '${name}'.`);
    if (performance.now() > deadlineMs) {
      throw new NinesError('E_LAB_COMMAND', `Another command has held the lock '${name}' for ${LOCK_TIMEOUT_MS} ms.`, {
        hint: 'Wait for the other command to end, or stop it.',
      });
    }
    await sleep(RETRY_MS);
    holder = await tryToListen(name);
  }
  try {
    return await work();
  } finally {
    await new Promise((closed) => holder.close(closed));
  }
}

/** What must be chosen once on the whole machine: addresses, ids, folders that labs share. */
export function withMachineLock<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  return withLock('machine', signal, work);
}

/** One change of one lab's record at a time. */
export function withLabLock<Result>(labDir: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  return withLock(`lab-${shortHash(labDir)}`, signal, work);
}

/** One boot or stop of one host at a time. Taken before the lab's lock, never inside it. */
export function withHostLock<Result>(labDir: string, host: string, signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  return withLock(`host-${shortHash(`${labDir}\n${host}`)}`, signal, work);
}

/** A socket name holds 107 bytes: a path may be longer. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function tryToListen(name: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen({ path: `\0nines-lab-lock/${name}` }, () => resolve(server));
  });
}
