/** keepalived's configuration from the cluster's desired state. Pure. */
import { NinesError } from '../../errors/errors.ts';
import type { ClusterSpec, PlacedUnit } from '../../topology/cluster-spec.ts';
import { HOST_CHECK_LIMIT_S } from './scripts.ts';

/** Seconds between two adverts; three missed and a skew of at most 60 ms move the address. */
const ADVERT_INTERVAL_S = 0.1;
/**
 * The same for all: who takes part stays where it is (a backup gives way to an equal), and whoever falls below the others hands
 * over. `nopreempt` would keep the address at a gateway whose agent is gone.
 */
const PRIORITY = 200;
/** What a host loses that is cut off or without its agent: nothing in effect when all others lost it too. */
const UNFIT_WEIGHT = -100;
/** The address goes first to the gateway that placement chose, although the others may start a moment earlier. */
const OTHERS_START_LATER_S = 2;

export interface KeepalivedFiles {
  /** Written by `prepare`: names the interface (see `interfaceLine`). */
  interfaceFile: string;
  gatewayCheckFile: string;
  hostCheckFile: string;
}

/** The gateways of the cluster, in the order of their claim to the address at the first start. */
export function gatewayUnits(spec: ClusterSpec): PlacedUnit[] {
  return spec.placement.units
    .filter((unit) => unit.engine === 'keepalived')
    .sort((a, b) => Number(b.initialLeader) - Number(a.initialLeader) || a.ordinal - b.ordinal);
}

/** What `prepare` writes into the interface file: a definition that the configuration uses. */
export function interfaceLine(interfaceName: string): string {
  return `$INTERFACE=${interfaceName}\n`;
}

/** @throws NinesError E_CONFIG_INVALID when there is no virtual address. */
export function renderKeepalived(spec: ClusterSpec, unit: PlacedUnit, files: KeepalivedFiles): string {
  const own = spec.hosts[unit.host]?.address;
  if (spec.gatewayAddress === null || own === undefined) {
    throw new NinesError('E_CONFIG_INVALID', `there is no virtual address to hold on host '${unit.host}'`);
  }
  const peers = gatewayUnits(spec)
    .filter((candidate) => candidate.host !== unit.host)
    .flatMap((candidate) => spec.hosts[candidate.host]?.address ?? []);
  return [
    '# Made by Nines from the topology; a change here is overwritten.',
    `include ${files.interfaceFile}`,
    ...globalLines(unit),
    ...scriptLines('gateway_answers', files.gatewayCheckFile, ['timeout 2', 'fall 1', 'rise 1', 'init_fail']),
    // Its run takes longer when the agent is silent: keepalived leaves out the runs that are due meanwhile.
    ...scriptLines('host_is_fit', files.hostCheckFile, [`timeout ${HOST_CHECK_LIMIT_S}`, `weight ${UNFIT_WEIGHT}`, 'fall 1', 'rise 3']),
    ...instanceLines(spec, own, peers),
  ].join('\n');
}

function globalLines(unit: PlacedUnit): string[] {
  return [
    'global_defs {',
    '    vrrp_version 3',
    '    script_user root',
    '    enable_script_security',
    '    vrrp_check_unicast_src true',
    // An advert that a busy machine sends 300 ms late would move the address.
    '    vrrp_priority -20',
    ...(unit.initialLeader ? [] : [`    vrrp_startup_delay ${OTHERS_START_LATER_S}`]),
    '}',
    '',
  ];
}

function scriptLines(name: string, file: string, lines: string[]): string[] {
  return [`vrrp_script ${name} {`, `    script "/usr/bin/perl ${file}"`, '    interval 1', ...lines.map((line) => `    ${line}`), '}', ''];
}

function instanceLines(spec: ClusterSpec, own: string, peers: string[]): string[] {
  return [
    'vrrp_instance nines_gateway {',
    '    state BACKUP',
    '    interface $INTERFACE',
    `    virtual_router_id ${routerId(spec.gatewayAddress ?? '')}`,
    `    priority ${PRIORITY}`,
    `    advert_int ${ADVERT_INTERVAL_S}`,
    `    unicast_src_ip ${own}`,
    // Without peers it would fall back to multicast: a lone gateway talks to itself.
    '    unicast_peer {',
    ...(peers.length === 0 ? [own] : peers).map((address) => `        ${address}`),
    '    }',
    // Neighbours learn the move from these: three at once, three a second later for those that missed them, and one
    // every 10 s. A holder that hears a lesser one (a cut just healed) says at once that it is still here.
    '    garp_master_repeat 3',
    '    garp_master_delay 1',
    '    garp_master_refresh 10',
    '    garp_master_refresh_repeat 1',
    '    garp_lower_prio_delay 0',
    '    garp_lower_prio_repeat 3',
    '    virtual_ipaddress {',
    `        ${spec.gatewayAddress}/${spec.networkPrefix} dev $INTERFACE`,
    '    }',
    '    track_script {',
    '        gateway_answers',
    '        host_is_fit',
    '    }',
    '}',
    '',
  ];
}

/** 1 to 255, from the address: two clusters on one network have different addresses. */
export function routerId(address: string): number {
  const last = Number(address.split('.')[3] ?? 1);
  return last === 0 ? 255 : last;
}
