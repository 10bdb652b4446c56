/** Choice of a lab's network and addresses. Pure. */
import { NinesError } from '../errors/errors.ts';

/** An IPv4 network as an integer range. */
export interface AddressRange {
  first: number;
  last: number;
}

export interface AddressPlan {
  cidr: string;
  prefix: number;
  machineAddress: string;
  gatewayAddress: string;
  hosts: Record<string, string>;
}

const PREFIX = 24;
const MACHINE_OFFSET = 1;
const FIRST_HOST_OFFSET = 11;
const GATEWAY_OFFSET = 10;

/** @throws RangeError when the text is no IPv4 address */
export function addressNumber(address: string): number {
  const parts = address.split('.');
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || bytes.some((byte) => byte > 255)) throw new RangeError(`'${address}' is no IPv4 address.`);
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

/** @throws RangeError when the text is no IPv4 network in CIDR form */
export function addressRange(cidr: string): AddressRange {
  const [address = '', prefixText = ''] = cidr.split('/');
  const prefix = Number(prefixText);
  if (!/^\d+$/.test(prefixText) || prefix > 32) throw new RangeError(`'${cidr}' is no IPv4 network.`);
  const size = 2 ** (32 - prefix);
  const first = Math.floor(addressNumber(address) / size) * size;
  return { first, last: first + size - 1 };
}

export function overlaps(one: AddressRange, other: AddressRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/**
 * Locally administered, and unique because the address is: the fabric knows every host by it without asking.
 */
export function macOf(address: string): string {
  const number = addressNumber(address);
  const bytes = [0x02, 0x6e, ...[24, 16, 8, 0].map((shift) => (number >>> shift) & 255)];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/**
 * Every destination in a /proc/PID/net/fib_trie: addresses, networks and routes of all tables.
 * Default routes are left out, and so are the two halves (/1) that VPN clients use for one: they cover everything.
 */
export function destinationsInFibTrie(text: string): AddressRange[] {
  const found = new Map<string, AddressRange>();
  let address: string | null = null;
  for (const line of text.split('\n')) {
    const leaf = /^\s*\|--\s+(\d+\.\d+\.\d+\.\d+)/.exec(line);
    if (leaf?.[1] !== undefined) address = leaf[1];
    const prefix = /^\s*\/(\d+)\s/.exec(line);
    if (prefix?.[1] === undefined || address === null || Number(prefix[1]) <= 1) continue;
    const cidr = `${address}/${prefix[1]}`;
    found.set(cidr, addressRange(cidr));
  }
  return [...found.values()];
}

/**
 * A /24 that overlaps nothing in `used`, and an address for everyone in it. Addresses that are given are kept;
 * they then decide the network.
 * @throws NinesError E_CONFIG_INVALID (given addresses do not fit together), E_ADDRESS_TAKEN (no free network)
 */
export function planAddresses(options: {
  hosts: Record<string, string | null>;
  gatewayAddress: string | null;
  used: readonly AddressRange[];
}): AddressPlan {
  const given = givenAddresses(options.hosts, options.gatewayAddress);
  const network = given.size > 0 ? givenNetwork(given, options.used) : freeNetwork(options.used);
  const taken = new Set(given.values());
  const machine = firstFree(network, MACHINE_OFFSET, taken);
  const gateway = options.gatewayAddress === null ? firstFree(network, GATEWAY_OFFSET, taken) : addressNumber(options.gatewayAddress);
  const hosts: Record<string, string> = {};
  for (const [name, address] of Object.entries(options.hosts)) {
    hosts[name] = address ?? addressText(firstFree(network, FIRST_HOST_OFFSET, taken));
  }
  return {
    cidr: `${addressText(network.first)}/${PREFIX}`,
    prefix: PREFIX,
    machineAddress: addressText(machine),
    gatewayAddress: addressText(gateway),
    hosts,
  };
}

function givenAddresses(hosts: Record<string, string | null>, gateway: string | null): Map<string, number> {
  const given = new Map<string, number>();
  const all: [string, string | null][] = [...Object.entries(hosts), ['the gateway', gateway]];
  for (const [owner, address] of all) {
    if (address === null) continue;
    const number = addressNumber(address);
    const other = [...given].find(([, taken]) => taken === number);
    if (other !== undefined) {
      throw new NinesError('E_CONFIG_INVALID', `${other[0]} and ${owner} have the same address ${address}.`);
    }
    given.set(owner, number);
  }
  return given;
}

function givenNetwork(given: Map<string, number>, used: readonly AddressRange[]): AddressRange {
  const [first = 0] = given.values();
  const network = addressRange(`${addressText(first)}/${PREFIX}`);
  for (const [owner, number] of given) {
    if (number <= network.first || number >= network.last) {
      const cidr = `${addressText(network.first)}/${PREFIX}`;
      throw new NinesError('E_CONFIG_INVALID', `${owner} (${addressText(number)}) is not in the lab's network ${cidr}.`);
    }
  }
  if (used.some((range) => overlaps(range, network))) {
    const cidr = `${addressText(network.first)}/${PREFIX}`;
    throw new NinesError('E_ADDRESS_TAKEN', `The network ${cidr} of the given addresses is in use on this machine.`);
  }
  return network;
}

function freeNetwork(used: readonly AddressRange[]): AddressRange {
  for (const network of candidates()) {
    if (!used.some((range) => overlaps(range, network))) return network;
  }
  throw new NinesError('E_ADDRESS_TAKEN', 'No private IPv4 network of 256 addresses is free on this machine.');
}

/** High private networks first: the low ones are what routers, VPNs and Docker hand out. */
function* candidates(): Generator<AddressRange> {
  const blocks: [start: string, networks: number][] = [
    ['10.201.0.0', 54 * 256],
    ['172.31.0.0', 256],
    ['192.168.200.0', 55],
  ];
  for (const [start, networks] of blocks) {
    for (let index = 0; index < networks; index += 1) {
      const first = addressNumber(start) + index * 256;
      yield { first, last: first + 255 };
    }
  }
}

function firstFree(network: AddressRange, offset: number, taken: Set<number>): number {
  for (let number = network.first + offset; number < network.last; number += 1) {
    if (taken.has(number)) continue;
    taken.add(number);
    return number;
  }
  throw new NinesError('E_CONFIG_INVALID', `More hosts than a /${PREFIX} has addresses.`);
}
