/**
 * The lab: hosts as network namespaces on this machine, and what can be done to them.
 * Everything here is a plain function over a `Lab` record, so that chaos and tests build on it.
 * The record on disk is the truth; a `Lab` in memory is a snapshot of it, and every function reads it again.
 */
import type { HostName } from '../topology/topology.ts';

/** Names a process for good: a pid alone may be another process by the time it is used. */
export interface ProcessIdentity {
  /** As seen from the machine. */
  pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since the machine booted. */
  startTimeTicks: number;
}

/** Written to `<labsDir>/<name>/lab.json` before anything is made, so that `down` can clean a half-made lab. */
export interface Lab {
  name: string;
  /** 4 characters, unique on the machine: part of every namespace and link name. */
  id: string;
  /** Folder of the lab on the machine (mode 0700): record, disk images, per-host folders, logs of `up`. */
  dir: string;
  /** The machine's boot that the lab belongs to: after a reboot only its files are left. */
  bootId: string;
  /** e.g. { cidr: '10.201.3.0/24', prefix: 24 }; free on the machine when it was chosen. */
  network: { cidr: string; prefix: number };
  /** Address of the machine itself on the lab's network. */
  machineAddress: string;
  /** The machine's link into the lab, in its root namespace. */
  machineLink: string;
  /** Address kept free for the gateway. */
  gatewayAddress: string;
  /** Namespace of the bridge, and of the latency relay. */
  fabricNetns: string;
  /** Size of each host's (sparse) disk. */
  diskBytes: number;
  hosts: Record<HostName, LabHost>;
  /** Faults that are on, oldest first. */
  faults: LabFault[];
  /** Faults ever injected; makes their ids unique. */
  faultCount: number;
  /** The latency relay; it ends by itself after the last latency fault. Null: there was none. */
  relay: ProcessIdentity | null;
}

export interface LabHost {
  name: HostName;
  address: string;
  zone: string;
  /** Hardware address of its eth0. */
  mac: string;
  /** Name of its network namespace. */
  netns: string;
  /** Name of its port on the bridge. */
  port: string;
  /** Image file of its data disk. */
  diskFile: string;
  /** What it was booted with last; null before the first boot. */
  boot: BootOptions | null;
  /** First process of its process tree; null while it is off. */
  init: ProcessIdentity | null;
}

export interface BootOptions {
  /** The program that runs for ever: started again 200 ms after it ends. */
  argv: string[];
  env: Record<string, string>;
  mounts: LabMount[];
}

export interface LabMount {
  /** Absolute path of a file or folder on the machine. */
  source: string;
  /** Absolute path under /run on the host. */
  target: string;
  readOnly: boolean;
}

/** The other end of a fault that is not a host. No host may have this name. */
export const MACHINE = 'machine';

/** A host's name, or MACHINE. */
export type LabEndpoint = string;

export type LabFault =
  | ({ id: string; kind: 'cut' } & CutOptions)
  | ({ id: string; kind: 'latency' } & LatencyOptions)
  | { id: string; kind: 'freeze-process'; host: HostName; process: ProcessIdentity }
  | { id: string; kind: 'freeze-host'; host: HostName; init: ProcessIdentity }
  | { id: string; kind: 'host-off'; host: HostName; powerLoss: boolean };

export interface CutOptions {
  from: LabEndpoint[];
  to: LabEndpoint[];
  /** 'from-to' drops what `from` sends to `to`, 'to-from' the answers, 'both' either. */
  direction: 'both' | 'from-to' | 'to-from';
  /** Only packets to this port of `to`, and from it in the other direction; null: everything, ARP included. */
  port: number | null;
  /** Which protocol's port; null: TCP and UDP. */
  protocol: 'tcp' | 'udp' | null;
}

export interface LatencyOptions {
  from: LabEndpoint[];
  to: LabEndpoint[];
  /** 'from-to' delays what `from` sends; 'both' delays each direction, so that a round trip takes twice `ms` longer. */
  direction: 'both' | 'from-to' | 'to-from';
  /** Added to each packet, milliseconds; several faults on one pair add up. */
  ms: number;
}

/** What every fault primitive gives back. */
export interface Fault {
  id: string;
  /** Ends the fault; a second call does nothing. */
  undo(): Promise<void>;
  /** Looks from outside, now. */
  proof(): Promise<FaultProof>;
}

export interface FaultProof {
  inEffect: boolean;
  /** Packets dropped or delayed so far; null for faults that are not of the network. */
  packets: number | null;
  /** One sentence: what was seen. */
  detail: string;
}

export interface WaitOptions {
  signal: AbortSignal;
}
