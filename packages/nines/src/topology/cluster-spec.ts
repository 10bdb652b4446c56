/**
 * The desired state of one cluster: one JSON document, one key in etcd, one cached file per host.
 * Everything an agent needs to know what runs on its host, except secrets.
 */
import type { HostName, RegionName, Topology, ZoneName } from './topology.ts';

export type EngineName = 'etcd' | 'postgres' | 'redis' | 'sentinel' | 'haproxy' | 'keepalived' | 'prometheus' | 'alertmanager' | 'service';

/** One unit on one host, as placement decided it. */
export interface PlacedUnit {
  /** Unique on its host, stable for its life: 'etcd', 'postgres-main', 'sentinel-cache', 'orders-2'. */
  name: string;
  engine: EngineName;
  /** Name of the service or group in the topology; null for cluster-wide engines (etcd, haproxy, keepalived, prometheus, alertmanager). */
  group: string | null;
  host: HostName;
  /** 0-based and unique within (engine, group) over the cluster; it never changes while the unit lives. */
  ordinal: number;
  /** 0-based among the units of the same (engine, group) on this host; a service instance listens on port + slot. */
  slot: number;
  /** Role at first start: the PostgreSQL primary, the Redis master, the gateway that holds the address first. */
  initialLeader: boolean;
  /** One sentence: why here. */
  reason: string;
}

export interface Placement {
  units: PlacedUnit[];
}

export interface HostSpec {
  address: string;
  zone: ZoneName;
  region: RegionName;
}

export interface ClusterSpec {
  /** Counts changes; the first is 1. */
  revision: number;
  topology: Topology;
  hosts: Record<HostName, HostSpec>;
  /** The gateway's virtual address; null without a gateway. */
  gatewayAddress: string | null;
  /** Prefix length of the hosts' network, for the virtual address. */
  networkPrefix: number;
  placement: Placement;
  /** Rolling restarts asked for: unit name@host -> count. A unit restarts when its count grows. */
  restarts: Record<string, number>;
  /**
   * unit name@host: goes on with the settings it was started with until its turn comes, so that a change of settings
   * replaces one process after the other. A held unit that dies starts with the new settings.
   */
  holds: string[];
}
