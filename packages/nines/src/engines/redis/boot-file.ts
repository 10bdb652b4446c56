/** The file that Redis starts from, and that Sentinel has it rewrite. Pure. */
import type { Place } from './role-at-start.ts';
import { renderDirectives } from './tls.ts';

export function renderBootFile(configFile: string, replicaOf: Place | null): string {
  const directives: [string, ...string[]][] = [['include', configFile]];
  if (replicaOf !== null) directives.push(['replicaof', replicaOf.host, String(replicaOf.port)]);
  return `# Written by Nines before each start; Redis adds what Sentinel has it remember.\n${renderDirectives(directives)}`;
}

/** Whom the node last followed; `self` when it was master. */
export function lastMasterIn(bootFile: string, self: Place): Place {
  const lines = [...bootFile.matchAll(/^(?:replicaof|slaveof)\s+"?([^\s"]+)"?\s+"?(\d+)"?\s*$/gim)];
  const last = lines.at(-1);
  return last === undefined ? self : { host: last[1]!, port: Number(last[2]) };
}
