/** From what is known of a group's leadership to what the gateway's servers should be. No clock, no I/O. */
import { primaryBackend, replicasBackend } from '../../engines/haproxy/database.ts';
import type { Routing } from '../../engines/haproxy/server-state.ts';
import type { GroupView } from '../../failover/group-view.ts';

/** A replica further behind gets no reads. One that was out comes back within half of it. */
const LAG_BOUND_BYTES = 16 * 1024 * 1024;
/** While the others turn to a new leader nobody streams for a moment; reads go on meanwhile. */
const ABSENCE_MS = 1_000;

export type Servers = ReadonlyMap<string, Routing>;

export interface GroupRoutes {
  view: GroupView;
  /** Term of the leader that this agent routed to; null: to none in its life. */
  routedTerm: number | null;
  /** How long each host has not been among the replicas; absent: it never was. */
  absentMs: ReadonlyMap<string, number>;
}

/** What every server of the leader's port should be; null: leave it as it is. */
export function primaryPlan({ view, routedTerm }: GroupRoutes, servers: Servers): Servers | null {
  const { leader } = view;
  if (leader !== null) return planOf(servers, (host) => (host === leader.host ? 'ready' : 'maint'));
  // An agent that just began does not know yet whom the last one routed to: that goes on until it does. A leader that this
  // one routed to, and whose term is over, is deposed.
  if (routedTerm === null || view.term < routedTerm) return null;
  // Of the same term it says itself that it closes: nobody new is sent there, and who is there may end in peace.
  return planOf(servers, (host) => (view.term > routedTerm || servers.get(host) === 'maint' ? 'maint' : 'drain'));
}

/** What every server of the replicas' port should be; null: leave it as it is. */
export function replicasPlan({ view, absentMs }: GroupRoutes, servers: Servers): Servers | null {
  const { leader } = view;
  if (leader === null && view.replicas.length === 0) return null;
  const lags = new Map(view.replicas.map((replica) => [replica.host, replica.lagBytes]));
  const serves = (host: string): boolean => {
    const ready = servers.get(host) === 'ready';
    const lag = lags.get(host);
    if (host === leader?.host) return false;
    if (lag === undefined) return ready && (absentMs.get(host) ?? Number.POSITIVE_INFINITY) < ABSENCE_MS;
    if (lag === null) return ready;
    return lag <= (ready ? LAG_BOUND_BYTES : LAG_BOUND_BYTES / 2);
  };
  const anyReplica = [...servers.keys()].some(serves);
  return planOf(servers, (host) => {
    if (serves(host)) return 'ready';
    if (host !== leader?.host) return 'maint';
    // Reads go to the leader when nobody else can take them; those that it has may end in peace.
    return anyReplica ? 'drain' : 'ready';
  });
}

function planOf(servers: Servers, wanted: (host: string) => Routing): Servers {
  return new Map([...servers.keys()].map((host) => [host, wanted(host)]));
}

/**
 * HAProxy's commands for one backend: first everybody out who is out, with their sessions, then the others in. All of them,
 * whatever was read last: a HAProxy that began in between knows none of it.
 */
export function routeCommands(backend: string, plan: Servers): string[] {
  const set = (wanted: Routing) => [...plan].filter(([, routing]) => routing === wanted).map(([host]) => `${backend}/${host}`);
  return [
    ...set('maint').flatMap((server) => [`set server ${server} state maint`, `shutdown sessions server ${server}`]),
    ...set('drain').map((server) => `set server ${server} state drain`),
    ...set('ready').map((server) => `set server ${server} state ready`),
  ];
}

/** Hosts whose sessions end. */
export function outOf(plan: Servers): string[] {
  return [...plan].filter(([, routing]) => routing === 'maint').map(([host]) => host);
}

export interface BackendPlan {
  backend: string;
  plan: Servers;
}

/** Of one group, given what HAProxy has of it. */
export function groupPlans(routes: GroupRoutes, states: ReadonlyMap<string, Servers>): BackendPlan[] {
  const { group } = routes.view;
  return [
    { backend: primaryBackend(group), planFor: primaryPlan },
    { backend: replicasBackend(group), planFor: replicasPlan },
  ].flatMap(({ backend, planFor }) => {
    const plan = planFor(routes, states.get(backend) ?? new Map());
    return plan === null ? [] : [{ backend, plan }];
  });
}

export function differs({ backend, plan }: BackendPlan, states: ReadonlyMap<string, Servers>): boolean {
  const inForce = states.get(backend);
  return [...plan].some(([host, routing]) => inForce?.get(host) !== routing);
}
