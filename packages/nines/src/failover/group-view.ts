/** What one agent knows of a group's leadership, for whoever has to find the primary: gateways, services, people. */
import type { NodeName, Phase } from './record.ts';

export interface MemberPlace {
  node: NodeName;
  host: string;
  address: string;
  port: number;
}

export interface GroupView {
  group: string;
  /** Admits clients, by its own word; null while nobody is known to. It stays until another term is known. */
  leader: (MemberPlace & { term: number }) | null;
  epoch: number;
  term: number;
  phase: Phase | 'unknown';
  /** Acknowledges by itself: one more loss loses acknowledged writes. */
  lone: boolean;
  paused: boolean;
  /** Standbys that stream from the leader, the least behind first. */
  replicas: (MemberPlace & { lagBytes: number | null; counted: boolean })[];
  /** This member's own proof of leadership is fresh; false on every other member. */
  proven: boolean;
}
