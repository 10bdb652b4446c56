/** What a Sentinel's answers mean. Pure. */
import type { Observation } from '../engine.ts';

/**
 * @param master the reply to SENTINEL MASTER.
 * @param quorum the reply to SENTINEL CKQUORUM, or the error in its place.
 */
export function sentinelStanding(master: Record<string, string>, quorum: { reached: boolean; text: string }): Observation {
  const place = `${master['ip']}:${master['port']}`;
  const down = /\b[so]_down\b/.test(master['flags'] ?? '');
  const details = {
    master: place,
    masterDown: down,
    replicas: Number(master['num-slaves'] ?? 0),
    otherSentinels: Number(master['num-other-sentinels'] ?? 0),
    configEpoch: Number(master['config-epoch'] ?? 0),
    quorum: quorum.reached,
  };
  const said = `${place} is master${down ? ', and does not answer' : ''}`;
  const reason = quorum.reached ? `${said}; a failover would find a majority` : `${said}; no failover possible: ${quorum.text}`;
  return { ready: quorum.reached, live: true, waitsForOthers: !quorum.reached, role: 'sentinel', reason, details };
}
