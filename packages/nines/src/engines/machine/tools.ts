/**
 * What must be installed, one row per tool. The table is JSON because the set-up script reads it too,
 * and that script runs before there is a Node that understands TypeScript.
 */
import type { EngineName } from '../../topology/cluster-spec.ts';
import table from './tools.json' with { type: 'json' };

export interface Tool {
  name: string;
  /** Debian 12 package that brings it. */
  package: string;
  /** Absolute paths, all needed: PATH may find a partial installation first. */
  files: string[];
  /** Prints the version on stdout or stderr. */
  versionArgv: string[];
  minimum: string;
  /** Account that the package makes and the engine runs as; null when it needs none. */
  user: string | null;
  /** Debian's own services of that package, which Nines never uses. */
  services: string[];
}

export const TOOLS: readonly Tool[] = table;

/** Tools beyond the engines that every lab needs. */
const LAB_TOOLS = ['nft', 'ip', 'openssl', 'mkfs.ext4', 'util-linux', 'perl'];

const TOOLS_OF_ENGINE: Record<EngineName, string[]> = {
  etcd: ['etcd'],
  postgres: ['postgres'],
  redis: ['redis', 'sentinel'],
  sentinel: ['redis', 'sentinel'],
  haproxy: ['haproxy'],
  keepalived: ['keepalived'],
  prometheus: ['prometheus'],
  alertmanager: ['alertmanager'],
  service: [],
};

/** The tools that a lab with these engines needs; without an argument, all of them. */
export function toolsFor(engines?: readonly EngineName[]): Tool[] {
  if (engines === undefined) return [...TOOLS];
  const names = new Set([...LAB_TOOLS, ...engines.flatMap((engine) => TOOLS_OF_ENGINE[engine])]);
  return TOOLS.filter((tool) => names.has(tool.name));
}
