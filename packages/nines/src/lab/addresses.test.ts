import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addressNumber, addressRange, addressText, destinationsInFibTrie, macOf, overlaps, planAddresses } from './addresses.ts';

const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const prefix = fc.integer({ min: 8, max: 32 });
const range = fc.tuple(number, prefix).map(([address, length]) => addressRange(`${addressText(address)}/${length}`));

it('reads back every address it writes, and refuses what is none', () => {
  fc.assert(
    fc.property(number, (value) => {
      expect(addressNumber(addressText(value))).toBe(value);
    }),
  );
  for (const text of ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.x', '1.2.3.-4']) {
    expect(() => addressNumber(text)).toThrow(RangeError);
  }
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/x']) expect(() => addressRange(text)).toThrow(RangeError);
});

it('sees an overlap exactly when two networks share an address', () => {
  fc.assert(
    fc.property(range, number, (network, value) => {
      const inside = value >= network.first && value <= network.last;
      expect(overlaps(network, { first: value, last: value })).toBe(inside);
    }),
  );
});

it('plans a network that overlaps nothing in use, and distinct addresses within it', () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  fc.assert(
    fc.property(fc.array(range, { maxLength: 40 }), fc.uniqueArray(name, { minLength: 1, maxLength: 60 }), (used, names) => {
      const hosts = Object.fromEntries(names.map((host) => [host, null]));
      const plan = planAddresses({ hosts, gatewayAddress: null, used });
      const network = addressRange(plan.cidr);
      expect(used.some((taken) => overlaps(taken, network))).toBe(false);
      const all = [plan.machineAddress, plan.gatewayAddress, ...Object.values(plan.hosts)].map(addressNumber);
      expect(new Set(all).size).toBe(names.length + 2);
      for (const address of all) {
        expect(address).toBeGreaterThan(network.first);
        expect(address).toBeLessThan(network.last);
      }
      expect(Object.keys(plan.hosts)).toEqual(Object.keys(hosts));
    }),
  );
});

it('takes the first free network', () => {
  const used = [addressRange('10.201.0.0/23'), addressRange('10.201.3.7/32')];
  const plan = planAddresses({ hosts: { a1: null, b1: null }, gatewayAddress: null, used });
  expect(plan).toEqual({
    cidr: '10.201.2.0/24',
    prefix: 24,
    machineAddress: '10.201.2.1',
    gatewayAddress: '10.201.2.10',
    hosts: { a1: '10.201.2.11', b1: '10.201.2.12' },
  });
});

it('leaves the private network of a VPN alone', () => {
  const plan = planAddresses({ hosts: { a1: null }, gatewayAddress: null, used: [addressRange('10.0.0.0/8')] });
  expect(plan.cidr).toBe('172.31.0.0/24');
});

it('keeps the addresses that are given and fits the others around them', () => {
  const hosts = { a1: '10.9.8.11', b1: null, c1: '10.9.8.1' };
  const plan = planAddresses({ hosts, gatewayAddress: '10.9.8.100', used: [] });
  expect(plan.cidr).toBe('10.9.8.0/24');
  expect(plan.hosts).toEqual({ a1: '10.9.8.11', b1: '10.9.8.12', c1: '10.9.8.1' });
  expect(plan.gatewayAddress).toBe('10.9.8.100');
  expect(plan.machineAddress).toBe('10.9.8.2');
});

it('refuses given addresses that are in use, apart, or the same', () => {
  const plan = (hosts: Record<string, string | null>, gatewayAddress: string | null = null) =>
    planAddresses({ hosts, gatewayAddress, used: [addressRange('10.9.8.77/32')] });
  expect(() => plan({ a1: '10.9.8.11' })).toThrow(expect.objectContaining({ code: 'E_ADDRESS_TAKEN' }));
  expect(() => plan({ a1: '10.1.1.11', b1: '10.1.2.11' })).toThrow(/b1 \(10\.1\.2\.11\) is not in/);
  expect(() => plan({ a1: '10.1.1.11', b1: '10.1.1.11' })).toThrow(/a1 and b1 have the same address/);
  expect(() => plan({ a1: '10.1.1.11' }, '10.1.1.11')).toThrow(/the gateway have the same address/);
  expect(() => plan({ a1: '10.1.1.0' })).toThrow(/is not in/);
});

it('says so when no private network is free', () => {
  const used = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(addressRange);
  const plan = () => planAddresses({ hosts: { a1: null }, gatewayAddress: null, used });
  expect(plan).toThrow(expect.objectContaining({ code: 'E_ADDRESS_TAKEN' }));
});

it('reads addresses, networks and routes of every table, but no default route', () => {
  const text = [
    'Main:',
    '  +-- 0.0.0.0/0 3 0 5',
    '     |-- 0.0.0.0',
    '        /0 universe UNICAST',
    '        /1 universe UNICAST',
    '     +-- 192.0.2.0/24 2 0 2',
    '        |-- 192.0.2.0',
    '           /24 link UNICAST',
    '        |-- 192.0.2.2',
    '           /32 host LOCAL',
    'Id 200:',
    '  |-- 172.20.0.0',
    '     /16 universe BLACKHOLE',
  ].join('\n');
  expect(destinationsInFibTrie(text)).toEqual(['192.0.2.0/24', '192.0.2.2/32', '172.20.0.0/16'].map(addressRange));
});

it('gives every address its own hardware address', () => {
  expect(macOf('10.201.0.11')).toBe('02:6e:0a:c9:00:0b');
  fc.assert(
    fc.property(number, number, (one, other) => {
      expect(macOf(addressText(one)) === macOf(addressText(other))).toBe(one === other);
    }),
  );
});
