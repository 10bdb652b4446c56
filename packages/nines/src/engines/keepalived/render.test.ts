import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterSpec, PlacedUnit } from '../../topology/cluster-spec.ts';
import { gatewaySpec } from '../haproxy/testing/gateway-spec.ts';
import { interfaceOf } from './engine.ts';
import { gatewayUnits, interfaceLine, renderKeepalived, routerId } from './render.ts';

const FILES = { interfaceFile: '/run/i.conf', gatewayCheckFile: '/d/g.pl', hostCheckFile: '/d/h.pl' };

function clusterOf(gateways: number): ClusterSpec {
  return gatewaySpec({
    hosts: Object.fromEntries(Array.from({ length: gateways }, (_, i) => [`h${i}`, `10.0.0.${i + 1}`])),
    gatewayAddress: '10.0.0.100',
    gateway: { replicas: gateways },
    services: {},
  });
}

/** The unit of that position in the order of claims. */
function unitAt(spec: ClusterSpec, position: number): PlacedUnit {
  const unit = gatewayUnits(spec)[position];
  if (unit === undefined) throw new Error(`no gateway ${position}`);
  return unit;
}

describe('renderKeepalived', () => {
  it('writes VRRP 3 with sub-second adverts to the other gateways only', () => {
    const spec = clusterOf(3);
    const text = renderKeepalived(spec, unitAt(spec, 0), FILES);
    expect(text).toContain('vrrp_version 3');
    expect(text).toContain('advert_int 0.1');
    expect(text).toContain('unicast_src_ip 10.0.0.1');
    expect(/unicast_peer \{([^}]*)\}/.exec(text)?.[1]?.trim().split(/\s+/)).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(text).toContain('10.0.0.100/24 dev $INTERFACE');
  });

  it('lets the gateway that placement chose come first', () => {
    const spec = clusterOf(2);
    expect(unitAt(spec, 0).initialLeader).toBe(true);
    expect(renderKeepalived(spec, unitAt(spec, 0), FILES)).not.toContain('vrrp_startup_delay');
    expect(renderKeepalived(spec, unitAt(spec, 1), FILES)).toContain('vrrp_startup_delay');
  });

  it('gives all gateways the same priority, so that none takes the address from another, and one that is not fit a lower one', () => {
    const spec = clusterOf(3);
    const texts = gatewayUnits(spec).map((unit) => renderKeepalived(spec, unit, FILES));
    expect(texts.map((text) => /^ {4}priority (\d+)$/m.exec(text)?.[1])).toEqual(['200', '200', '200']);
    const script = (name: string) => new RegExp(`vrrp_script ${name} \\{([^}]*)\\}`).exec(texts[0] ?? '')?.[1];
    expect(script('host_is_fit')).toMatch(/h\.pl[^]*weight -100\n/);
    // With a fault instead, nobody would have it when all agents are gone.
    expect(script('gateway_answers')).not.toContain('weight');
    for (const text of texts) expect(text, 'a lower priority would be borne').not.toContain('nopreempt');
  });

  it('refuses a cluster without a virtual address', () => {
    const spec = clusterOf(2);
    expect(() => renderKeepalived({ ...spec, gatewayAddress: null }, unitAt(spec, 0), FILES)).toThrow(/no virtual address/);
  });

  it('takes a router id that VRRP knows from any address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(routerId(address)).toBeGreaterThanOrEqual(1);
        expect(routerId(address)).toBeLessThanOrEqual(255);
      }),
    );
  });
});

describe('the interface', () => {
  const entry = (address: string) => ({ address, netmask: '', mac: '', internal: false, cidr: null, family: 'IPv4' as const });

  it('is found by the address of the host', () => {
    const interfaces = { lo: [entry('127.0.0.1')], eth7: [entry('10.0.0.9'), entry('10.0.0.1')] };
    expect(interfaceOf('10.0.0.1', interfaces)).toBe('eth7');
    expect(interfaceOf('10.0.0.2', interfaces)).toBeNull();
    expect(interfaceLine('eth7')).toBe('$INTERFACE=eth7\n');
  });
});
