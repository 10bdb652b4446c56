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

/** In the network namespace when one is named. */
export async function startBackend(address: string, port: number, name: string, netns?: string): Promise<Backend> {
  const child = forkIn(netns, new URL('./backend-process.ts', import.meta.url), [address, String(port), name]);
  await once(child, 'message', { signal: AbortSignal.timeout(10_000) });
  return {
    name,
    process: child,
    tell: async (change) => {
      const answer = once(child, 'message', { signal: AbortSignal.timeout(10_000) });
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

/** `fork`, in a network namespace. */
export function forkIn(netns: string | undefined, file: URL, args: string[]): ChildProcess {
  const inside = netns === undefined ? {} : { execPath: '/usr/sbin/ip', execArgv: ['netns', 'exec', netns, process.execPath] };
  return fork(fileURLToPath(file), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], ...inside });
}
