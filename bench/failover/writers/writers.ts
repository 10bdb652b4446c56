/** The bench's side of the writers. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DatabaseAccess } from '../system.ts';
import type { FromWriters, Progress, ToWriters, WriterOptions } from './protocol.ts';

const PROGRAM = fileURLToPath(new URL('../writers-process.ts', import.meta.url));
const STOP_TIMEOUT_MS = 10_000;

export const WRITERS = 8;

export type WritersResult = Extract<FromWriters, { kind: 'result' }>;

export interface Writers {
  /** The newest report; null before the first. */
  progress(): Progress | null;
  /** Lets every writer end its write. @throws when their process ended before, or says nothing for 10 s */
  stop(): Promise<WritersResult>;
  /** Ends the process, whatever it does. */
  kill(): Promise<void>;
}

export function startWriters(access: DatabaseAccess, options: WriterOptions = { writers: WRITERS }): Writers {
  const child = fork(PROGRAM, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced', detached: true });
  let newest: Progress | null = null;
  const result = new Promise<WritersResult>((resolve, reject) => {
    child.on('message', (message: FromWriters) => {
      if (message.kind === 'result') resolve(message);
      else newest = message;
    });
    child.once('exit', (code, signal) => reject(new Error(`the writers' process ended: ${signal ?? code}`)));
    child.once('error', reject);
  });
  // Whoever stops them hears of it; a run that ended before has another reason.
  result.catch(() => undefined);
  const tell = (message: ToWriters) => child.send(message);
  tell({ kind: 'start', access, ...options });
  return {
    progress: () => newest,
    stop: async () => {
      tell({ kind: 'stop' });
      const late = AbortSignal.timeout(STOP_TIMEOUT_MS);
      const deadline = once(late, 'abort').then(() => Promise.reject(new Error('the writers do not stop')));
      return await Promise.race([result, deadline]);
    },
    kill: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
