/** Why things are as they are: what every member decided, and did not decide, by its own log. */
import type { ExplainLine } from '../../agent/failover/decision-log.ts';
import { type GroupCluster, memberHosts } from './group.ts';

export interface Told {
  /** Of all hosts, by time. */
  decisions: ExplainLine[];
  /** Hosts that did not answer, and why. */
  silent: { host: string; error: string }[];
}

/** @param sinceMs host -> milliseconds since 1970: what came later is asked for */
export async function decisionsSince(
  cluster: GroupCluster,
  group: string,
  sinceMs: (host: string) => number,
  signal: AbortSignal,
): Promise<Told> {
  const told: Told = { decisions: [], silent: [] };
  await Promise.all(
    memberHosts(cluster.spec, group).map(async (host) => {
      try {
        const text = await cluster.agents.decisions(cluster.addresses[host] ?? '', group, sinceMs(host), signal);
        const lines = text.split('\n').filter((line) => line !== '');
        told.decisions.push(...lines.map((line) => JSON.parse(line) as ExplainLine));
      } catch (error) {
        told.silent.push({ host, error: error instanceof Error ? error.message : String(error) });
      }
    }),
  );
  signal.throwIfAborted();
  told.decisions.sort((left, right) => left.atMs - right.atMs);
  return told;
}

export interface MemberNow {
  host: string;
  /** What the member says of itself. */
  reason: string;
}

/** What each member is doing or waiting for now, by its agent's word. */
export async function membersNow(cluster: GroupCluster, group: string, signal: AbortSignal): Promise<MemberNow[]> {
  const hosts = memberHosts(cluster.spec, group);
  const answers = await cluster.agents.states(Object.fromEntries(hosts.map((host) => [host, cluster.addresses[host] ?? ''])), signal);
  signal.throwIfAborted();
  return answers.map(({ host, state, error }) => {
    const unit = state?.units.find((one) => one.engine === 'postgres' && one.group === group);
    return { host, reason: unit?.reason ?? error ?? 'its agent has no such member' };
  });
}
