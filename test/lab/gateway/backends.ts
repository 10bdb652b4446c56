import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClusterSpec } from '../../../packages/nines/src/topology/cluster-spec.ts';
import { routes } from '../../../packages/nines/src/engines/haproxy/routes.ts';

export interface Backend {
  name: string;
  process: ChildProcess;
  /** Changes its behaviour; resolves with the requests it has received, by method. */
  tell(change: { readyStatus?: number; holdMs?: number; close?: boolean }): Promise<Record<string, number>>;
  /** Resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts every instance of every service of the spec. */
export async function startBackends(spec: ClusterSpec): Promise<Backend[]> {
  return Promise.all(
    routes(spec).flatMap((route) => route.servers.map((server) => startBackend(server.address, server.port, server.name))),
  );
}

export async function startBackend(address: string, port: number, name: string): Promise<Backend> {
  const file = fileURLToPath(new URL('./backend-process.ts', import.meta.url));
  const child = fork(file, [address, String(port), name], { stdio: 'inherit' });
  await once(child, 'message', { signal: AbortSignal.timeout(10_000) });
  return {
    name,
    process: child,
    tell: async (change) => {
      const answer = once(child, 'message', { signal: AbortSignal.timeout(2_000) });
      child.send(change);
      const [message] = (await answer) as [{ received: Record<string, number> }];
      return message.received;
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
