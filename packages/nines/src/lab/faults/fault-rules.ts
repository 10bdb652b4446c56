/** From the faults that are on to the fabric's packet rules and the relay's delays. Pure. */
import { MACHINE_PORT, machineMac } from '../fabric.ts';
import type { Lab, LabEndpoint, LabFault } from '../lab.ts';
import { MACHINE } from '../lab.ts';

/** The relay's device: frames to be delayed go out of it, and come in by it when their time is over. */
export const RELAY_PORT = 'relay';
export const RULE_TABLE = 'nines';

type CutFault = Extract<LabFault, { kind: 'cut' }>;
type LatencyFault = Extract<LabFault, { kind: 'latency' }>;

interface Port {
  name: string;
  mac: string;
}

/** One direction of a fault. */
interface Flow {
  from: Port[];
  to: Port[];
  /** Whether the fault's port is where the packets go, or where they come from. */
  portSide: 'dport' | 'sport';
  counter: string;
}

/** Milliseconds by 'MAC of the sender > MAC of the receiver'. */
export type RelayDelays = Record<string, number>;

/** Names of the counters of one fault; what they count stays readable until the lab is destroyed. */
export function counterNames(fault: CutFault | LatencyFault): string[] {
  return directionsOf(fault).map((direction) => `${fault.id}_${direction}`);
}

export function relayDelays(lab: Lab): RelayDelays {
  const delays: RelayDelays = {};
  for (const fault of lab.faults) {
    if (fault.kind !== 'latency') continue;
    for (const { from, to } of flowsOf(lab, fault)) {
      for (const [sender, receiver] of pairs(from, to)) {
        const key = `${sender.mac}>${receiver.mac}`;
        delays[key] = (delays[key] ?? 0) + fault.ms;
      }
    }
  }
  return delays;
}

/**
 * The whole rule set, for one atomic `nft -f -`. Packets are matched by bridge port, so a fault also holds for the
 * virtual address, on whichever host it is. Counters are added, never removed: a new rendering keeps their values.
 * @param ports names of the bridge ports that exist: a host that is off has none to bind rules to until it boots
 */
export function renderFaultRules(lab: Lab, ports: ReadonlySet<string>): string {
  return [...bridgeTable(lab), ...divertTable(lab, ports), ''].join('\n');
}

function bridgeTable(lab: Lab): string[] {
  const table = `bridge ${RULE_TABLE}`;
  const cuts = lab.faults.filter((fault) => fault.kind === 'cut');
  const latencies = lab.faults.filter((fault) => fault.kind === 'latency');
  return [
    `add table ${table}`,
    `add chain ${table} forward { type filter hook forward priority 0; policy accept; }`,
    `flush chain ${table} forward`,
    ...[...cuts, ...latencies].flatMap(counterNames).map((name) => `add counter ${table} ${name}`),
    ...cuts.flatMap((fault) => flowsOf(lab, fault).flatMap((flow) => cutRules(flow, fault))),
    ...latencies.flatMap((fault) => flowsOf(lab, fault).map((flow) => delayedRule(flow))),
  ].map((line) => line.replace(/ {2,}/g, ' '));
}

/** A cut drops what comes straight from the sender's port, and what comes from it by the relay. */
function cutRules(flow: Flow, fault: CutFault): string[] {
  const protocols = fault.protocol ?? '{ tcp, udp }';
  const limited = fault.port !== null || fault.protocol !== null;
  const protocol = limited ? `meta protocol ip meta l4proto ${protocols}` : '';
  const port = fault.port === null ? '' : `th ${flow.portSide} ${fault.port}`;
  const end = `oifname ${portSet(flow.to)} ${protocol} ${port} counter name "${flow.counter}" drop`;
  return [
    `add rule bridge ${RULE_TABLE} forward iifname ${portSet(flow.from)} ${end}`,
    `add rule bridge ${RULE_TABLE} forward iifname "${RELAY_PORT}" ether saddr ${macSet(flow.from)} ${end}`,
  ];
}

function delayedRule(flow: Flow): string {
  const path = `iifname "${RELAY_PORT}" ether saddr ${macSet(flow.from)} oifname ${portSet(flow.to)}`;
  return `add rule bridge ${RULE_TABLE} forward ${path} counter name "${flow.counter}"`;
}

/** Frames to be delayed leave their way at the sender's port, before the bridge sees them. */
function divertTable(lab: Lab, ports: ReadonlySet<string>): string[] {
  const table = `netdev ${RULE_TABLE}`;
  // Deleting needs a table that exists: adding one that is there changes nothing.
  const lines = [`add table ${table}`, `delete table ${table}`];
  const receivers = new Map<string, Set<string>>();
  for (const fault of lab.faults) {
    if (fault.kind !== 'latency') continue;
    for (const { from, to } of flowsOf(lab, fault)) {
      for (const [sender, receiver] of pairs(from, to)) {
        if (!ports.has(sender.name)) continue;
        const macs = receivers.get(sender.name) ?? new Set();
        receivers.set(sender.name, macs.add(receiver.mac));
      }
    }
  }
  if (receivers.size > 0) lines.push(`add table ${table}`);
  for (const [port, macs] of receivers) {
    const chain = `${table} ${port}`;
    lines.push(`add chain ${chain} { type filter hook ingress device "${port}" priority 0; policy accept; }`);
    lines.push(`add rule ${chain} ether daddr { ${[...macs].join(', ')} } fwd to "${RELAY_PORT}"`);
  }
  return lines;
}

function flowsOf(lab: Lab, fault: CutFault | LatencyFault): Flow[] {
  const from = portsOf(lab, fault.from);
  const to = portsOf(lab, fault.to);
  return directionsOf(fault).map((direction) => {
    const counter = `${fault.id}_${direction}`;
    if (direction === 'forward') return { from, to, portSide: 'dport', counter };
    return { from: to, to: from, portSide: 'sport', counter };
  });
}

function directionsOf(fault: CutFault | LatencyFault): ('forward' | 'back')[] {
  if (fault.direction === 'both') return ['forward', 'back'];
  return fault.direction === 'from-to' ? ['forward'] : ['back'];
}

/** A host that has been removed from the lab since has no port any more. */
function portsOf(lab: Lab, endpoints: readonly LabEndpoint[]): Port[] {
  return endpoints.flatMap((endpoint) => {
    if (endpoint === MACHINE) return [{ name: MACHINE_PORT, mac: machineMac(lab) }];
    const host = lab.hosts[endpoint];
    return host === undefined ? [] : [{ name: host.port, mac: host.mac }];
  });
}

function pairs(from: readonly Port[], to: readonly Port[]): [Port, Port][] {
  return from.flatMap((sender) => to.filter(({ name }) => name !== sender.name).map((receiver): [Port, Port] => [sender, receiver]));
}

function portSet(ports: readonly Port[]): string {
  return `{ ${ports.map(({ name }) => `"${name}"`).join(', ')} }`;
}

function macSet(ports: readonly Port[]): string {
  return `{ ${ports.map(({ mac }) => mac).join(', ')} }`;
}
