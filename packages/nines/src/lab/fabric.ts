/** The lab's network: one bridge in a namespace of its own, the machine and every host as ports of it. */
import { macOf } from './addresses.ts';
import type { Lab, LabHost } from './lab.ts';
import { linkNames, namespaceNames } from './machine.ts';
import { type CommandOptions, mustRun, runIpBatch } from './run-command.ts';

export const BRIDGE = 'br0';
export const MACHINE_PORT = 'machine';

/** Makes the fabric and the machine's link, and a network for every host. */
export async function makeFabric(lab: Lab, options: CommandOptions): Promise<void> {
  const hosts = Object.values(lab.hosts);
  await runIpBatch([...fabricLines(lab), ...hosts.flatMap((host) => hostLinkLines(lab, host))], options);
  await Promise.all([
    runInNamespace(lab.fabricNetns, [...bridgeLines(), ...hosts.flatMap(portLines)], options),
    ...hosts.map((host) => runInNamespace(host.netns, hostLines(lab, host), options)),
  ]);
  await runIpBatch(machineLines(lab), options);
  await mustRun(['bridge', '-n', lab.fabricNetns, '-batch', '-'], {
    ...options,
    input: [...hosts.map(forwardingLine), machineForwardingLine(lab)].join('\n'),
  });
}

/** Makes the network of one host anew, unless it is whole. */
export async function makeHostNetwork(lab: Lab, host: LabHost, options: CommandOptions): Promise<void> {
  const whole = (await namespaceNames()).includes(host.netns) && (await portNames(lab, options)).has(host.port);
  if (whole) return;
  await removeHostNetwork(lab, host, options);
  await runIpBatch(hostLinkLines(lab, host), options);
  await runInNamespace(lab.fabricNetns, portLines(host), options);
  await runInNamespace(host.netns, hostLines(lab, host), options);
  await mustRun(['bridge', '-n', lab.fabricNetns, '-batch', '-'], { ...options, input: forwardingLine(host) });
}

/** Nothing that the host sends from now on arrives: its kernel's last words (FIN, RST) are lost, as when power goes. */
export async function silenceHost(lab: Lab, host: LabHost, options: CommandOptions): Promise<void> {
  if (!(await portNames(lab, options)).has(host.port)) return;
  await mustRun(['ip', '-n', lab.fabricNetns, 'link', 'set', host.port, 'down'], options);
}

/** Removes what exists of the network of a host that is off; peers see silence, not a lost carrier. */
export async function removeHostNetwork(lab: Lab, host: LabHost, options: CommandOptions): Promise<void> {
  if ((await portNames(lab, options)).has(host.port)) {
    await mustRun(['ip', '-n', lab.fabricNetns, 'link', 'delete', host.port], options);
  }
  if ((await namespaceNames()).includes(host.netns)) await mustRun(['ip', 'netns', 'delete', host.netns], options);
}

/** Links of the fabric: the bridge, its ports, the relay's device. */
export async function portNames(lab: Lab, options: CommandOptions): Promise<Set<string>> {
  const listing = await mustRun(['ip', '-n', lab.fabricNetns, '-json', 'link', 'show'], options);
  return new Set((JSON.parse(listing) as { ifname: string }[]).map(({ ifname }) => ifname));
}

/** Removes what exists of the whole network. The kernel takes the ports away with their namespaces. */
export async function removeFabric(lab: Lab, options: CommandOptions): Promise<void> {
  const lines: string[] = [];
  if ((await linkNames()).includes(lab.machineLink)) lines.push(`link delete ${lab.machineLink}`);
  const existing = new Set(await namespaceNames());
  for (const name of namespacesOf(lab)) {
    if (existing.has(name)) lines.push(`netns delete ${name}`);
  }
  await runIpBatch(lines, options);
}

export function namespacesOf(lab: Lab): string[] {
  return [...Object.values(lab.hosts).map((host) => host.netns), lab.fabricNetns];
}

export function machineMac(lab: Lab): string {
  return macOf(lab.machineAddress);
}

function fabricLines(lab: Lab): string[] {
  return [
    `netns add ${lab.fabricNetns}`,
    `link add ${lab.machineLink} address ${machineMac(lab)} type veth peer name ${MACHINE_PORT} netns ${lab.fabricNetns}`,
  ];
}

function bridgeLines(): string[] {
  return [
    `link add ${BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set ${BRIDGE} addrgenmode none up`,
    `link set ${MACHINE_PORT} master ${BRIDGE} addrgenmode none up`,
  ];
}

function hostLinkLines(lab: Lab, host: LabHost): string[] {
  return [
    `netns add ${host.netns}`,
    `link add ${host.port} netns ${lab.fabricNetns} type veth peer name eth0 address ${host.mac} netns ${host.netns}`,
  ];
}

function portLines(host: LabHost): string[] {
  return [`link set ${host.port} master ${BRIDGE} addrgenmode none up`];
}

function hostLines(lab: Lab, host: LabHost): string[] {
  return [
    'link set lo up',
    `address add ${host.address}/${lab.network.prefix} dev eth0`,
    'link set eth0 addrgenmode none up',
    ...Object.values(lab.hosts)
      .filter((peer) => peer.name !== host.name)
      .map((peer) => neighbourLine(peer.address, peer.mac, 'eth0')),
    neighbourLine(lab.machineAddress, machineMac(lab), 'eth0'),
  ];
}

function machineLines(lab: Lab): string[] {
  return [
    `address add ${lab.machineAddress}/${lab.network.prefix} dev ${lab.machineLink}`,
    `link set ${lab.machineLink} addrgenmode none up`,
    ...Object.values(lab.hosts).map((host) => neighbourLine(host.address, host.mac, lab.machineLink)),
  ];
}

/**
 * Between zones stand routers: a host that is cut off or off is silent to the others. Found by ARP on one bridge, it
 * would turn into EHOSTUNREACH after three seconds instead. (The gateway's virtual address moves, and is found by ARP.)
 */
function neighbourLine(address: string, mac: string, link: string): string {
  return `neigh replace ${address} lladdr ${mac} dev ${link} nud permanent`;
}

/** The bridge knows every host's port for good: frames that take the way through the relay teach it nothing. */
function forwardingLine(host: LabHost): string {
  return `fdb replace ${host.mac} dev ${host.port} master static`;
}

function machineForwardingLine(lab: Lab): string {
  return `fdb replace ${machineMac(lab)} dev ${MACHINE_PORT} master static`;
}

async function runInNamespace(netns: string, lines: string[], options: CommandOptions): Promise<void> {
  await mustRun(['ip', '-n', netns, '-batch', '-'], { ...options, input: `${lines.join('\n')}\n` });
}
