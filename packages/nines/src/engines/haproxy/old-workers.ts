/**
 * After a reload the old worker goes on with the connections that it has, out of the runtime socket's reach. A deposed leader's
 * must end there too; the master's socket reaches every worker.
 */
import { askRuntime } from './runtime-socket.ts';

/** Process ids out of the master's `show proc`. Pure. */
export function oldWorkers(text: string): number[] {
  const [, after = ''] = text.split('# old workers');
  const [section = ''] = after.split('\n# ');
  return [...section.matchAll(/^(\d+)\s+worker\s/gm)].map(([, pid]) => Number(pid));
}

/** Session ids out of `show sess`: those from `backend` to one of `hosts`. Pure. */
export function sessionsOf(text: string, backend: string, hosts: readonly string[]): string[] {
  return text.split('\n').flatMap((line) => {
    const id = /^(0x[0-9a-f]+):/.exec(line)?.[1];
    const server = / srv=(\S+)/.exec(line)?.[1];
    return id !== undefined && server !== undefined && hosts.includes(server) && line.includes(` be=${backend} `) ? [id] : [];
  });
}

/** Ends the connections of old workers to `hosts`. Resolves with their number; rejects when the master does not answer. */
export async function cutOldSessions(
  masterSocket: string,
  backend: string,
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  let cut = 0;
  for (const pid of oldWorkers(await askRuntime(masterSocket, 'show proc', signal))) {
    // One that has just ended answers with an error, which has no sessions in it.
    const sessions = sessionsOf(await askRuntime(masterSocket, `@!${pid} show sess`, signal), backend, hosts);
    for (const id of sessions) await askRuntime(masterSocket, `@!${pid} shutdown session ${id}`, signal);
    cut += sessions.length;
  }
  return cut;
}
