import { describe, expect, it } from 'vitest';
import { makeClusterSpec } from './make-cluster-spec.ts';
import { normaliseTopology } from './normalise.ts';

const WORDS = {
  name: 'orders',
  regions: { west: { zones: { a: { hosts: ['a1'] }, b: { hosts: { b1: { address: '10.0.0.2' } } } } } },
  services: { web: { command: ['node', 'main.ts'], replicas: 2 } },
};
const INPUT = { topology: normaliseTopology(WORDS), addresses: { a1: '10.0.0.1' }, gatewayAddress: '10.0.0.9', networkPrefix: 24 };

describe('makeClusterSpec', () => {
  it('has the hosts with their addresses and begins with revision 1', () => {
    const spec = makeClusterSpec(INPUT);
    expect(spec.hosts).toEqual({
      a1: { address: '10.0.0.1', zone: 'a', region: 'west' },
      b1: { address: '10.0.0.2', zone: 'b', region: 'west' },
    });
    expect(spec).toMatchObject({ revision: 1, gatewayAddress: '10.0.0.9', networkPrefix: 24, restarts: {} });
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  });

  it('is the previous spec again when nothing changed, also after a round trip through JSON', () => {
    const previous = makeClusterSpec(INPUT);
    expect(makeClusterSpec({ ...INPUT, previous: JSON.parse(JSON.stringify(previous)) })).toEqual(previous);
  });

  it('counts on and forgets the restarts of units that are gone', () => {
    const previous = { ...makeClusterSpec(INPUT), revision: 7, restarts: { 'etcd@a1': 1, 'web-9@a1': 2 } };
    const next = makeClusterSpec({ ...INPUT, previous });
    expect(next.revision).toBe(8);
    expect(next.restarts).toEqual({ 'etcd@a1': 1 });
  });

  it('refuses a host or a gateway without an address', () => {
    expect(() => makeClusterSpec({ ...INPUT, addresses: {} })).toThrow('host a1: no address is known');
    expect(() => makeClusterSpec({ ...INPUT, gatewayAddress: null })).toThrow('gateway.address: is missing');
  });

  it('has no gateway address without a gateway', () => {
    const topology = normaliseTopology({ ...WORDS, gateway: null });
    expect(makeClusterSpec({ ...INPUT, topology }).gatewayAddress).toBe(null);
  });
});
