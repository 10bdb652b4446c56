/** What was found on this machine: plain data, so that every decision about it is pure. */

export interface ToolFacts {
  /** Those of the tool's files that are not there or not executable. */
  missingFiles: string[];
  /** null: not there, or it printed no version. */
  version: string | null;
}

export const KERNEL_FEATURES = [
  'network namespaces',
  'veth links',
  'bridges',
  'tap devices',
  'nftables, bridge family',
  'loop devices',
  'ext4',
] as const;
export type KernelFeature = (typeof KERNEL_FEATURES)[number];

/** 'unknown': only root can try it. */
export interface KernelFact {
  state: 'ok' | 'missing' | 'unknown';
  detail: string;
}

export interface MachineFacts {
  platform: string;
  /** As in /etc/os-release: 'Debian GNU/Linux 12 (bookworm)'. */
  system: string;
  /** ID of /etc/os-release and the ones it is like: ['ubuntu', 'debian']. */
  systemFamily: string[];
  uid: number;
  nodeVersion: string;
  tools: Record<string, ToolFacts>;
  /** Accounts in /etc/passwd, of those that the engines run as. */
  users: string[];
  kernel: Record<KernelFeature, KernelFact>;
  /** The first `postgres` on PATH when it is not the one that Nines uses; it is named because it looks like an installation. */
  strayPostgres: string | null;
}
