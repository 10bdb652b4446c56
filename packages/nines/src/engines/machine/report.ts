/** Facts of the machine -> what is missing and the one line that repairs it. Pure. */
import { KERNEL_FEATURES, type MachineFacts } from './facts.ts';
import type { Tool } from './tools.ts';
import { compareVersions } from './version.ts';

export const MINIMUM_NODE = '22.19.0';

export type CheckState = 'ok' | 'missing' | 'old' | 'unknown';

export interface MachineCheck {
  kind: 'machine' | 'engine' | 'account' | 'kernel';
  name: string;
  wanted: string;
  found: string;
  state: CheckState;
}

/** The stable shape of `nines doctor --json`. */
export interface MachineReport {
  /** Everything the lab needs is here. */
  ready: boolean;
  checks: MachineCheck[];
  /** Debian packages to install, in the order of the table. */
  packages: string[];
  /** The one line that installs them; null when nothing is to be installed. */
  install: string | null;
  /** Sentences: what else is to be done or known. */
  notes: string[];
}

export function machineReport(facts: MachineFacts, tools: readonly Tool[]): MachineReport {
  const checks = [
    ...machineChecks(facts),
    ...tools.map((tool) => toolCheck(facts, tool)),
    ...accountChecks(facts, tools),
    ...kernelChecks(facts),
  ];
  const packages = packagesToInstall(facts, tools);
  return {
    ready: checks.every((check) => check.state === 'ok'),
    checks,
    packages,
    install: installLine(packages, facts.uid === 0),
    notes: notesOn(facts, checks, packages),
  };
}

/** The exact line to type; null when there is nothing to install. */
export function installLine(packages: string[], root: boolean): string | null {
  if (packages.length === 0) return null;
  const sudo = root ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

function packagesToInstall(facts: MachineFacts, tools: readonly Tool[]): string[] {
  const lacking = tools.filter((tool) => toolCheck(facts, tool).state !== 'ok' || (tool.user !== null && !facts.users.includes(tool.user)));
  return [...new Set(lacking.map((tool) => tool.package))];
}

function machineChecks(facts: MachineFacts): MachineCheck[] {
  const nodeIsOld = compareVersions(facts.nodeVersion, MINIMUM_NODE) < 0;
  return [
    {
      kind: 'machine',
      name: 'system',
      wanted: 'Linux',
      found: facts.system,
      state: facts.platform === 'linux' ? 'ok' : 'missing',
    },
    {
      kind: 'machine',
      name: 'node',
      wanted: `>= ${MINIMUM_NODE}`,
      found: facts.nodeVersion,
      state: nodeIsOld ? 'old' : 'ok',
    },
    {
      kind: 'machine',
      name: 'root',
      wanted: 'uid 0',
      found: `uid ${facts.uid}`,
      state: facts.uid === 0 ? 'ok' : 'missing',
    },
  ];
}

function toolCheck(facts: MachineFacts, tool: Tool): MachineCheck {
  const found = facts.tools[tool.name] ?? { missingFiles: tool.files, version: null };
  const check = { kind: 'engine', name: tool.name, wanted: `>= ${tool.minimum}` } as const;
  if (found.missingFiles.length > 0) {
    return { ...check, found: `no ${found.missingFiles.join(', ')}`, state: 'missing' };
  }
  if (found.version === null) return { ...check, found: 'it prints no version', state: 'unknown' };
  const isOld = compareVersions(found.version, tool.minimum) < 0;
  return { ...check, found: found.version, state: isOld ? 'old' : 'ok' };
}

function accountChecks(facts: MachineFacts, tools: readonly Tool[]): MachineCheck[] {
  const users = [...new Set(tools.flatMap((tool) => (tool.user === null ? [] : [tool.user])))];
  return users.map((user) => {
    const isThere = facts.users.includes(user);
    return {
      kind: 'account',
      name: user,
      wanted: 'in /etc/passwd',
      found: isThere ? 'yes' : 'no; its package makes it',
      state: isThere ? 'ok' : 'missing',
    };
  });
}

function kernelChecks(facts: MachineFacts): MachineCheck[] {
  return KERNEL_FEATURES.map((feature) => {
    const { state, detail } = facts.kernel[feature];
    return { kind: 'kernel', name: feature, wanted: 'yes', found: detail, state };
  });
}

function notesOn(facts: MachineFacts, checks: MachineCheck[], packages: string[]): string[] {
  const notes: string[] = [];
  if (facts.uid !== 0) notes.push('The lab makes network namespaces and mounts: run nines as root (sudo).');
  if (packages.length > 0 && !facts.systemFamily.includes('debian')) {
    notes.push('The package names and paths are those of Debian 12; on this system only they are looked for.');
  }
  if (packages.length > 0) {
    notes.push(
      'Debian starts its own services of these packages when it installs them; Nines does not use them, and they may be disabled.',
    );
  }
  if (facts.strayPostgres !== null) {
    notes.push(
      `${facts.strayPostgres} is the first postgres on PATH; Nines does not use it, it takes every PostgreSQL program from /usr/lib/postgresql/15/bin.`,
    );
  }
  const kernelGaps = checks.filter((check) => check.kind === 'kernel' && check.state === 'missing');
  if (kernelGaps.length > 0) {
    const names = kernelGaps.map((check) => check.name).join(', ');
    notes.push(`This kernel, or the container around this shell, does not offer: ${names}. The lab cannot run here.`);
  }
  return notes;
}
