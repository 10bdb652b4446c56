/**
 * A leader whose agent is silent: is its server gone too? An agent that was killed is back within about a second, and nobody has to
 * notice. Times are the listening clock's.
 */
import type { NodeName } from '../../../failover/record.ts';
import type { Timing } from '../../../failover/timing.ts';
import type { Sighting } from './sighting.ts';

/** Each is a process of the server's. */
const AGAIN_MS = 200;

export class ServerProbe {
  private readonly timing: Timing;
  private last: { node: NodeName; answered: boolean; atMs: number } | null = null;

  constructor(timing: Timing) {
    this.timing = timing;
  }

  told(node: NodeName, answered: boolean, nowMs: number): void {
    this.last = { node, answered, atMs: nowMs };
  }

  /** Begins so early that the first answer is there, or does not come, when the silence becomes suspicious. */
  isDue(leader: NodeName, sighting: Sighting, nowMs: number): boolean {
    const silentMs = nowMs - sighting.detector.lastHeardMs;
    const { suspicionFloorMs, serverProbeMs, movingWalMs } = this.timing;
    if (!wasFit(sighting) || silentMs < suspicionFloorMs - serverProbeMs || silentMs > movingWalMs) return false;
    const last = this.inThisSilence(leader, sighting);
    return last === null || nowMs - last.atMs >= AGAIN_MS;
  }

  /** Since when the server is without its agent; null: it did not answer when it was asked last, or was not asked. */
  aloneSinceMs(leader: NodeName, sighting: Sighting): number | null {
    const answers = wasFit(sighting) && this.inThisSilence(leader, sighting)?.answered === true;
    return answers ? sighting.detector.lastHeardMs : null;
  }

  private inThisSilence(leader: NodeName, { detector }: Sighting): ServerProbe['last'] {
    return this.last?.node === leader && this.last.atMs > detector.lastHeardMs ? this.last : null;
  }
}

/** The last that its agent said of it. */
function wasFit({ heartbeat, unfitSinceMs }: Sighting): boolean {
  return heartbeat !== null && unfitSinceMs === null && !heartbeat.exited;
}
