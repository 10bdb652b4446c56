/** A bridge in a namespace of its own and hosts around it, for the tests of the virtual address. */
import { execFileSync } from 'node:child_process';

const IP = '/usr/sbin/ip';

export interface TestNetwork {
  netns(host: string): string;
  /** Silently drops everything from and to the host. */
  cut(host: string): void;
  heal(): void;
  /** Addresses that the host has now. */
  addresses(host: string): string[];
  /** Gives the host one more address. */
  give(host: string, address: string): void;
  remove(): void;
}

/** `hosts`: name -> address in a /24. Names of namespaces carry this process's id. */
export function makeNetwork(hosts: Record<string, string>): TestNetwork {
  const run = (file: string, ...args: string[]) => execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const netns = (name: string) => `nines-vt${process.pid}-${name}`;
  const inside = (name: string, ...argv: string[]) => run(IP, 'netns', 'exec', netns(name), ...argv);
  const network: TestNetwork = {
    netns,
    cut: (host) => {
      const rules = [
        'table bridge cut {',
        'chain pass {',
        'type filter hook forward priority 0',
        `iifname "p-${host}" drop`,
        `oifname "p-${host}" drop`,
        '}',
        '}',
        '',
      ].join('\n');
      execFileSync(IP, ['netns', 'exec', netns('fabric'), '/usr/sbin/nft', '-f', '-'], { input: rules });
    },
    heal: () => void inside('fabric', '/usr/sbin/nft', 'flush', 'ruleset'),
    addresses: (host) =>
      [...inside(host, IP, '-4', '-o', 'addr', 'show', 'dev', 'eth0').matchAll(/inet ([0-9.]+)\//g)].map((match) => match[1] ?? ''),
    give: (host, address) => void inside(host, IP, 'addr', 'add', `${address}/24`, 'dev', 'eth0'),
    remove: () => {
      for (const name of ['fabric', ...Object.keys(hosts)]) {
        try {
          run(IP, 'netns', 'delete', netns(name));
        } catch {
          // It was never made.
        }
      }
    },
  };
  try {
    run(IP, 'netns', 'add', netns('fabric'));
    inside('fabric', IP, 'link', 'add', 'br0', 'up', 'type', 'bridge', 'forward_delay', '0');
    for (const [name, address] of Object.entries(hosts)) {
      run(IP, 'netns', 'add', netns(name));
      inside('fabric', IP, 'link', 'add', `p-${name}`, 'up', 'master', 'br0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', netns(name));
      inside(name, IP, 'link', 'set', 'lo', 'up');
      inside(name, IP, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      inside(name, IP, 'link', 'set', 'eth0', 'up');
      inside(name, '/usr/sbin/sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1');
    }
  } catch (error) {
    network.remove();
    throw error;
  }
  return network;
}
