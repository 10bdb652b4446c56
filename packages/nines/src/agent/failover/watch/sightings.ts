/** What was heard of every node of a group. */
import type { Heartbeat } from '../../../failover/heartbeat.ts';
import type { NodeName } from '../../../failover/record.ts';
import { isSilent } from '../../../failover/suspicion.ts';
import type { Timing } from '../../../failover/timing.ts';
import type { ListeningClock } from './listening-clock.ts';
import { seenAgain, type Sighting, unseen } from './sighting.ts';

export class Sightings {
  private readonly timing: Timing;
  private readonly clock: ListeningClock;
  private readonly byNode = new Map<NodeName, Sighting>();
  private readonly never: Sighting;

  constructor(timing: Timing, clock: ListeningClock) {
    this.timing = timing;
    this.clock = clock;
    this.never = unseen(timing, clock.ms);
  }

  heard(heartbeat: Heartbeat): void {
    this.byNode.set(heartbeat.node, seenAgain(this.of(heartbeat.node), heartbeat, this.timing, this.clock.ms));
  }

  of(node: NodeName): Sighting {
    return this.byNode.get(node) ?? this.never;
  }

  /** Heard, and not silent for longer than is usual with it. */
  isAlive(node: NodeName): boolean {
    const { heartbeat, detector } = this.of(node);
    return heartbeat !== null && !isSilent(detector, this.timing, this.clock.ms);
  }

  silentMs(node: NodeName): number {
    return this.clock.ms - this.of(node).detector.lastHeardMs;
  }

  alive(): NodeName[] {
    return [...this.byNode.keys()].filter((node) => this.isAlive(node)).sort();
  }
}
