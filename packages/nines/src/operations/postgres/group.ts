/** A PostgreSQL group as the operator's commands see it: by its agents' word. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FailoverAction } from '../../agent/failover/groups.ts';
import { NinesError } from '../../errors/errors.ts';
import type { GroupView } from '../../failover/group-view.ts';
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import type { AgentClient } from '../agent-client.ts';
import { newestView, type ToldView } from './newest-view.ts';

/** What these commands need of a `Cluster`. */
export interface GroupCluster {
  readonly spec: ClusterSpec;
  /** Host name -> address. */
  readonly addresses: Record<string, string>;
  readonly agents: Pick<AgentClient, 'view' | 'order' | 'decisions' | 'states'>;
}

/** The group that is meant: named, or the only one. Throws E_USAGE. */
export function chosenGroup(spec: ClusterSpec, wanted: string | undefined): string {
  const names = Object.keys(spec.topology.postgres);
  const [only, second] = names;
  if (wanted === undefined && only !== undefined && second === undefined) return only;
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  const known = names.join(', ') || 'none';
  if (wanted === undefined) throw new NinesError('E_USAGE', `which PostgreSQL group? There are: ${known}`);
  throw new NinesError('E_USAGE', `there is no PostgreSQL group '${wanted}'; there are: ${known}`);
}

/** Hosts with a member, by ordinal. */
export function memberHosts(spec: ClusterSpec, group: string): string[] {
  return spec.placement.units
    .filter((unit) => unit.engine === 'postgres' && unit.group === group)
    .toSorted((left, right) => left.ordinal - right.ordinal)
    .map((unit) => unit.host);
}

/** Throws E_USAGE for a host without a member of the group. */
export function requireMember(spec: ClusterSpec, group: string, host: string): void {
  const hosts = memberHosts(spec, group);
  if (!hosts.includes(host))
    throw new NinesError('E_USAGE', `host '${host}' has no member of group '${group}'; there are: ${hosts.join(', ')}`);
}

/** What every agent that answers knows of the group. */
export async function toldViews(cluster: GroupCluster, group: string, signal: AbortSignal): Promise<ToldView[]> {
  const told = await Promise.all(
    Object.entries(cluster.addresses).map(async ([host, address]) => ({ host, view: await cluster.agents.view(address, group, signal) })),
  );
  signal.throwIfAborted(); // Nobody answers after Ctrl-C.
  return told.flatMap(({ host, view }) => (view === null ? [] : [{ host, view }]));
}

/** Throws E_NO_LEADER when no agent says anything about the group. */
export async function presentView(cluster: GroupCluster, group: string, signal: AbortSignal): Promise<GroupView> {
  const view = newestView(await toldViews(cluster, group, signal));
  if (view === null) throw new NinesError('E_NO_LEADER', `no agent says anything about PostgreSQL group '${group}'`);
  return view;
}

/** Of each group of the topology; null: no agent says anything about it. */
export async function presentViews(cluster: GroupCluster, signal: AbortSignal): Promise<Record<string, GroupView | null>> {
  const groups = Object.keys(cluster.spec.topology.postgres);
  const views = await Promise.all(groups.map(async (group) => [group, newestView(await toldViews(cluster, group, signal))] as const));
  return Object.fromEntries(views);
}

/** Gives the order and returns what the agent says to it. Throws E_ORDER_REFUSED with its reason. */
export async function order(
  cluster: GroupCluster,
  { group, host, action, body = {} }: { group: string; host: string; action: FailoverAction; body?: object },
  signal: AbortSignal,
): Promise<string> {
  const { accepted, reason } = await cluster.agents.order(cluster.addresses[host] ?? '', group, action, body, signal);
  if (!accepted) throw new NinesError('E_ORDER_REFUSED', `${host} refuses the ${action} of group '${group}': ${reason}`);
  return reason;
}

const ASK_AGAIN_MS = 40;

/**
 * Asks every agent again and again, each for itself (one that is cut off holds up nobody), until `judge` has an answer to what
 * they all know. Resolves with null at the signal.
 */
export async function watchViews<Verdict>(
  cluster: GroupCluster,
  group: string,
  signal: AbortSignal,
  judge: (told: ToldView[]) => Verdict | null,
): Promise<Verdict | null> {
  const decided = new AbortController();
  const ends = AbortSignal.any([signal, decided.signal]);
  const told = new Map<string, GroupView>();
  let verdict: Verdict | null = null;
  const ask = async ([host, address]: [string, string]): Promise<void> => {
    while (!ends.aborted) {
      const view = await cluster.agents.view(address, group, ends);
      if (ends.aborted) return;
      if (view === null) told.delete(host);
      else told.set(host, view);
      verdict = judge([...told].map(([name, one]) => ({ host: name, view: one })));
      if (verdict !== null) return decided.abort();
      await delay(ASK_AGAIN_MS, undefined, { signal: ends }).catch(() => undefined);
    }
  };
  await Promise.all(Object.entries(cluster.addresses).map(ask));
  return verdict;
}
