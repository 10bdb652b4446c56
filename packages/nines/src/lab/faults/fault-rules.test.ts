import fc from 'fast-check';
import { expect, it } from 'vitest';
import { macOf } from '../addresses.ts';
import { type CutOptions, type Lab, type LabFault, type LatencyOptions, MACHINE } from '../lab.ts';
import { counterNames, relayDelays, renderFaultRules } from './fault-rules.ts';

const NAMES = ['a1', 'b1', 'c1'];
const ENDPOINTS = [...NAMES, MACHINE];

function labWith(faults: LabFault[]): Lab {
  const host = (name: string, index: number) => {
    const address = `10.201.0.${11 + index}`;
    const off = { boot: null, init: null };
    return { name, address, zone: name, mac: macOf(address), netns: `n-${name}`, port: `h${index + 1}`, diskFile: '', ...off };
  };
  return {
    name: 'test',
    id: 'test',
    dir: '/lab',
    bootId: '',
    network: { cidr: '10.201.0.0/24', prefix: 24 },
    machineAddress: '10.201.0.1',
    machineLink: 'nines-test',
    gatewayAddress: '10.201.0.10',
    fabricNetns: 'nines-test-fabric',
    diskBytes: 0,
    hosts: Object.fromEntries(NAMES.map((name, index) => [name, host(name, index)])),
    faults,
    faultCount: faults.length,
    relay: null,
  };
}

const ALL_PORTS = new Set(['h1', 'h2', 'h3', 'machine']);
const portOf = (endpoint: string) => (endpoint === MACHINE ? 'machine' : `h${NAMES.indexOf(endpoint) + 1}`);
const macOfEndpoint = (endpoint: string) => macOf(endpoint === MACHINE ? '10.201.0.1' : `10.201.0.${11 + NAMES.indexOf(endpoint)}`);

const sides = fc.tuple(fc.shuffledSubarray(ENDPOINTS, { minLength: 2 }), fc.nat()).map(([endpoints, at]) => {
  const split = 1 + (at % (endpoints.length - 1));
  return { from: endpoints.slice(0, split), to: endpoints.slice(split) };
});
const direction = fc.constantFrom('both' as const, 'from-to' as const, 'to-from' as const);
const cutOptions: fc.Arbitrary<CutOptions> = fc
  .tuple(sides, direction, fc.option(fc.integer({ min: 1, max: 65_535 })), fc.constantFrom('tcp' as const, 'udp' as const, null))
  .map(([ends, way, port, protocol]) => ({ ...ends, direction: way, port, protocol }));
const latencyOptions: fc.Arbitrary<LatencyOptions> = fc
  .tuple(sides, direction, fc.integer({ min: 1, max: 100 }))
  .map(([ends, way, ms]) => ({ ...ends, direction: way, ms }));
const faults = fc
  .array(
    fc.oneof(
      cutOptions.map((options) => ({ kind: 'cut' as const, ...options })),
      latencyOptions.map((options) => ({ kind: 'latency' as const, ...options })),
    ),
    { maxLength: 5 },
  )
  .map((list) => list.map((fault, index): LabFault => ({ id: `f${index + 1}`, ...fault })));

/** Which way a fault touches packets from one endpoint to another: null, or the side of its port. */
function touches(fault: { from: string[]; to: string[]; direction: string }, sender: string, receiver: string): 'dport' | 'sport' | null {
  if (fault.direction !== 'to-from' && fault.from.includes(sender) && fault.to.includes(receiver)) return 'dport';
  if (fault.direction !== 'from-to' && fault.to.includes(sender) && fault.from.includes(receiver)) return 'sport';
  return null;
}

/** The drop rules of the text that a packet meets, read as nftables does. */
function dropsFor(text: string, sender: string, receiver: string, relayed: boolean): string[] {
  const way = relayed ? /iifname "relay" ether saddr \{([^}]*)\}/ : /iifname \{([^}]*)\}/;
  const source = relayed ? macOfEndpoint(sender) : `"${portOf(sender)}"`;
  return text.split('\n').filter((line) => {
    const out = /oifname \{([^}]*)\}/.exec(line)?.[1] ?? '';
    return line.endsWith(' drop') && (way.exec(line)?.[1] ?? '').includes(source) && out.includes(`"${portOf(receiver)}"`);
  });
}

it('drops what the faults say, direct and relayed, and nothing else', () => {
  fc.assert(
    fc.property(faults, fc.constantFrom(...ENDPOINTS), fc.constantFrom(...ENDPOINTS), fc.boolean(), (list, sender, receiver, relayed) => {
      fc.pre(sender !== receiver);
      const text = renderFaultRules(labWith(list), ALL_PORTS);
      const drops = dropsFor(text, sender, receiver, relayed);
      const expected = list
        .filter((fault) => fault.kind === 'cut')
        .flatMap((fault) => {
          const side = touches(fault, sender, receiver);
          return side === null ? [] : [{ fault, side }];
        });
      expect(drops).toHaveLength(expected.length);
      for (const [index, { fault, side }] of expected.entries()) {
        const rule = drops[index] ?? '';
        expect(rule.includes(`th ${side} ${fault.port} `)).toBe(fault.port !== null);
        expect(rule.includes('l4proto')).toBe(fault.port !== null || fault.protocol !== null);
        expect(counterNames(fault).some((name) => rule.includes(`"${name}"`))).toBe(true);
      }
    }),
  );
});

it('delays what the faults say by their sum, and diverts exactly that', () => {
  fc.assert(
    fc.property(faults, fc.constantFrom(...ENDPOINTS), fc.constantFrom(...ENDPOINTS), (list, sender, receiver) => {
      fc.pre(sender !== receiver);
      const lab = labWith(list);
      const expected = list
        .filter((fault) => fault.kind === 'latency' && touches(fault, sender, receiver) !== null)
        .reduce((sum, fault) => sum + (fault.kind === 'latency' ? fault.ms : 0), 0);
      expect(relayDelays(lab)[`${macOfEndpoint(sender)}>${macOfEndpoint(receiver)}`] ?? 0).toBe(expected);
      const diverted = renderFaultRules(lab, ALL_PORTS)
        .split('\n')
        .filter((line) => line.startsWith(`add rule netdev nines ${portOf(sender)} `) && line.includes(macOfEndpoint(receiver)));
      expect(diverted).toHaveLength(expected > 0 ? 1 : 0);
    }),
  );
});

it('declares every counter that a rule names, and every chain once', () => {
  fc.assert(
    fc.property(faults, (list) => {
      const lines = renderFaultRules(labWith(list), ALL_PORTS).split('\n');
      const declared = lines.filter((line) => line.startsWith('add counter')).map((line) => line.split(' ').at(-1));
      const named = lines.flatMap((line) => /counter name "([^"]+)"/.exec(line)?.[1] ?? []);
      expect(new Set(named)).toEqual(new Set(declared));
      const chains = lines.filter((line) => line.startsWith('add chain')).map((line) => line.split(' ').slice(2, 5).join(' '));
      expect(new Set(chains).size).toBe(chains.length);
    }),
  );
});

it('binds nothing to the port of a host that is off, and still cuts it', () => {
  const ends = { from: ['a1'], to: ['b1'], direction: 'both' as const };
  const lab = labWith([
    { id: 'f1', kind: 'latency', ...ends, ms: 5 },
    { id: 'f2', kind: 'cut', ...ends, port: null, protocol: null },
  ]);
  const text = renderFaultRules(lab, new Set(['h2', 'h3', 'machine']));
  expect(text).not.toContain('device "h1"');
  expect(text).toContain('device "h2"');
  expect(dropsFor(text, 'a1', 'b1', false)).toHaveLength(1);
});

it('renders one cut and one latency like this', () => {
  const lab = labWith([
    { id: 'f1', kind: 'cut', from: ['a1'], to: ['b1', MACHINE], direction: 'from-to', port: 5432, protocol: 'tcp' },
    { id: 'f2', kind: 'latency', from: ['b1'], to: ['c1'], direction: 'from-to', ms: 20 },
  ]);
  expect(renderFaultRules(lab, ALL_PORTS)).toMatchInlineSnapshot(`
    "add table bridge nines
    add chain bridge nines forward { type filter hook forward priority 0; policy accept; }
    flush chain bridge nines forward
    add counter bridge nines f1_forward
    add counter bridge nines f2_forward
    add rule bridge nines forward iifname { "h1" } oifname { "h2", "machine" } meta protocol ip meta l4proto tcp th dport 5432 counter name "f1_forward" drop
    add rule bridge nines forward iifname "relay" ether saddr { 02:6e:0a:c9:00:0b } oifname { "h2", "machine" } meta protocol ip meta l4proto tcp th dport 5432 counter name "f1_forward" drop
    add rule bridge nines forward iifname "relay" ether saddr { 02:6e:0a:c9:00:0c } oifname { "h3" } counter name "f2_forward"
    add table netdev nines
    delete table netdev nines
    add table netdev nines
    add chain netdev nines h2 { type filter hook ingress device "h2" priority 0; policy accept; }
    add rule netdev nines h2 ether daddr { 02:6e:0a:c9:00:0d } fwd to "relay"
    "
  `);
});
