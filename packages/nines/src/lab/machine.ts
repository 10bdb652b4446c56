/** What is on this machine already: networks, namespaces, links. Read only. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AddressRange, destinationsInFibTrie } from './addresses.ts';
import { allPids, namespaceOf } from './processes.ts';
import { mustRun, type CommandOptions } from './run-command.ts';

export const NETNS_FOLDER = '/run/netns';

/** Changes with every start of the machine. */
export async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** Names as `ip netns` shows them. */
export async function namespaceNames(): Promise<string[]> {
  try {
    return await readdir(NETNS_FOLDER);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Inodes of the named namespaces that exist. */
export async function namespaceInodes(names: readonly string[]): Promise<Set<number>> {
  const existing = new Set(await namespaceNames());
  const inodes = names.filter((name) => existing.has(name)).map(async (name) => (await stat(join(NETNS_FOLDER, name))).ino);
  return new Set(await Promise.all(inodes));
}

/** Links of the machine's own namespace. */
export async function linkNames(): Promise<string[]> {
  return (await readFile('/proc/self/net/dev', 'utf8'))
    .split('\n')
    .slice(2)
    .map((line) => line.split(':')[0]?.trim() ?? '')
    .filter((name) => name !== '');
}

/** Addresses, networks and routes of every namespace that has a name or a process. */
export async function usedNetworks(options: CommandOptions): Promise<AddressRange[]> {
  const seen = new Set<number>();
  const used: AddressRange[] = [];
  for (const pid of await allPids()) {
    const inode = await namespaceOf(pid, 'net');
    if (inode === null || seen.has(inode)) continue;
    seen.add(inode);
    used.push(...destinationsInFibTrie(await fibTrieOf(pid)));
  }
  for (const name of await namespaceNames()) {
    const path = join(NETNS_FOLDER, name);
    const { ino } = await stat(path);
    if (seen.has(ino)) continue;
    seen.add(ino);
    const argv = ['nsenter', `--net=${path}`, 'cat', '/proc/self/net/fib_trie'];
    used.push(...destinationsInFibTrie(await mustRun(argv, options)));
  }
  return used;
}

/** Empty for a process that ends meanwhile. */
async function fibTrieOf(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/net/fib_trie`, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EINVAL') return '';
    throw error;
  }
}
