/** Everything that can happen next. Who wins every race is the explorer's choice; a node that does nothing is simply not chosen. */
import type { Event, Facts, Request } from '../src/failover/events.ts';
import { holds } from '../src/failover/log.ts';
import { sameSet } from '../src/failover/record.ts';
import { bootState } from '../src/failover/state.ts';
import { deliver, TICK } from './deliver.ts';
import { perform } from './postgres.ts';
import {
  type Budget,
  type Host,
  hostOf,
  type Job,
  type Letter,
  type Model,
  observed,
  type Sender,
  type Swap,
  type World,
  withHost,
} from './world.ts';

export interface Action {
  label: string;
  world: World;
}

type Add = (label: string, world: World) => void;

export function actionsOf(model: Model, world: World): Action[] {
  const actions: Action[] = [];
  const add: Add = (label, next) => {
    if (next !== world) actions.push({ label, world: next });
  };
  for (const host of world.hosts) {
    if (!model.outcomes.has(host)) model.outcomes.set(host, new Map());
    agentActions(model, world, host, add);
    storeActions(model, world, host, add);
    serverActions(model, world, host, add);
    faultActions(model, world, host, add);
  }
  for (const { to, message } of world.mail) {
    add(`${to} hears ${message.kind} ${message.epoch} of ${message.from}`, deliver(model, world, to, { kind: 'message', message }));
  }
  return actions;
}

const SUSPECTED: Facts = { suspected: true, overdue: false, consent: false };
const OVERDUE: Facts = { ...SUSPECTED, overdue: true };
const CONSENT: Facts = { suspected: false, overdue: false, consent: true };

function agentActions(model: Model, world: World, host: Host, add: Add): void {
  const { me, view } = host.core;
  const give = (event: Event): World => deliver(model, world, me, event);
  if (host.job !== null) add(`${me} does ${host.job.command.kind} (${host.job.stage})`, performed(model, world, host, host.job));
  if (host.ghost !== null) add(`a dead agent of ${me} does ${host.ghost.command.kind}`, haunted(model, world, host, host.ghost));
  if (view?.revision !== world.etcd.revision) add(`${me} reads`, give({ kind: 'read', view: world.etcd }));
  if (world.etcd.record.epoch < model.scope.epochs) {
    const mayLead = model.scope.candidates?.includes(me) !== false;
    if (mayLead) add(`${me} suspects`, give({ kind: 'tick', facts: SUSPECTED }));
    if (view?.record.phase === 'electing') {
      if (mayLead) add(`${me} suspects, overdue`, give({ kind: 'tick', facts: OVERDUE }));
      add(`${me} has consent`, give({ kind: 'tick', facts: CONSENT }));
    }
  }
  if (host.core.suspected) add(`${me} trusts`, give(TICK));
  if (world.budget.requests === 0) return;
  for (const request of model.scope.requests) {
    const after = give({ kind: 'request', request });
    if (hostOf(after, me) !== host) add(`${me} is asked to ${wordsOf(request)}`, spent(after, 'requests'));
  }
}

function wordsOf(request: Request): string {
  if (request.kind === 'reverse') return 'reverse the change';
  if (request.kind === 'switchover') return `hand over to ${request.to}`;
  if (request.kind === 'force') return 'lead by force';
  if (request.kind === 'reinit') return 'be rebuilt';
  const { acks, voters } = request.kind === 'change' ? request.set : request.target;
  return `${request.kind} to ANY ${acks} (${voters.join(', ')})`;
}

function performed(model: Model, world: World, host: Host, job: Job): World {
  const progress = perform(model, world, host, job);
  const after = withHost(progress.world ?? world, progress.answer === undefined ? progress.host : { ...progress.host, job: null });
  return progress.answer === undefined ? after : deliver(model, after, host.core.me, progress.answer);
}

/** The same without anybody to hear the answer. */
function haunted(model: Model, world: World, host: Host, ghost: Job): World {
  const { host: after, world: changed, answer } = perform(model, world, { ...host, job: ghost }, ghost);
  return withHost(changed ?? world, { ...after, job: host.job, ghost: answer === undefined ? after.job : null });
}

function storeActions(model: Model, world: World, host: Host, add: Add): void {
  const { etcd } = world;
  const { swap, orphan, core } = host;
  const fits = ({ revision, record }: Swap): boolean =>
    (revision === etcd.revision || !model.duties.exactRevision) && record.epoch <= model.scope.epochs;
  if (orphan !== null && fits(orphan)) {
    const late = { ...world, etcd: { revision: etcd.revision + 1, record: orphan.record } };
    add(`a late swap of ${core.me} happens`, withHost(late, { ...host, orphan: null }));
  }
  if (swap === null) return;
  const tell = (from: World, more: Partial<Host>, event: Event): World =>
    deliver(model, withHost(from, { ...host, swap: null, ...more }), core.me, event);
  if (!fits(swap)) {
    if (swap.revision !== etcd.revision) add(`${core.me} is refused`, tell(world, {}, { kind: 'swapped', outcome: 'refused' }));
    return;
  }
  const view = { revision: etcd.revision + 1, record: swap.record };
  const done: Event = { kind: 'swapped', outcome: 'done', view };
  const unknown: Event = { kind: 'swapped', outcome: 'unknown' };
  const what = `${swap.record.phase} ${swap.record.epoch}/${swap.record.term} of ${core.me}`;
  // Told at once: what follows from it waits anyway.
  add(`etcd takes ${what}`, tell({ ...world, etcd: view }, {}, done));
  if (world.budget.losses === 0) return;
  add(`etcd takes ${what}, which is told nothing`, spent(tell({ ...world, etcd: view }, {}, unknown), 'losses'));
  const given = model.duties.unknownStaysUnknown ? unknown : done;
  add(`${core.me} gives up waiting`, spent(tell(world, { orphan: swap }, given), 'losses'));
}

function serverActions(model: Model, world: World, host: Host, add: Add): void {
  const { me } = host.core;
  const { server, disk } = host;
  if (server.mode === 'standby' && server.link !== null) add(`${me} streams`, streamed(model, world, host));
  if (server.mode !== 'primary') return;
  for (const { to, seen } of server.senders) {
    if (sameSet(seen, server.setting)) continue;
    const senders = server.senders.map((each) => (each.to === to ? { ...each, seen: server.setting } : each));
    add(`${me}'s walsender of ${to} sees the setting`, withHost(world, { ...host, server: { ...server, senders } }));
  }
  if (!server.armed && server.setting.acks > 0)
    add(`${me} begins to wait`, withHost(world, { ...host, server: { ...server, armed: true } }));
  if (server.admitting && world.budget.writes > 0) {
    const log = { ...disk.log, lsn: disk.log.lsn + 1 };
    add(`${me} writes`, spent(withHost(world, { ...host, disk: { ...disk, log } }), 'writes'));
  }
}

/** Connects, or receives all that there is: PostgreSQL refuses to stream to a log that is not a part of its own. */
export function streamed({ duties }: Model, world: World, host: Host): World {
  const { server, disk, core } = host;
  if (server.mode !== 'standby' || server.link === null) return world;
  const { link } = server;
  const source = hostOf(world, link.leader);
  if (source.server.mode !== 'primary') return world;
  const counted = link.counted && (link.term === source.server.term || !duties.termInName);
  if (!holds(world.tree, source.disk.log, disk.log)) return world;
  const before = source.server.senders.find(({ to }) => to === core.me);
  const isConnected = before !== undefined && before.counted === counted;
  if (isConnected && before.flush === source.disk.log.lsn) return world;
  const log = isConnected ? source.disk.log : disk.log;
  const sender: Sender = { to: core.me, counted, flush: log.lsn, seen: isConnected ? before.seen : source.server.setting };
  const senders = [...source.server.senders.filter(({ to }) => to !== core.me), sender].sort((left, right) =>
    left.to < right.to ? -1 : 1,
  );
  return withHost(withHost(world, { ...host, disk: { ...disk, log } }), { ...source, server: { ...source.server, senders } });
}

function faultActions(model: Model, world: World, host: Host, add: Add): void {
  const { me } = host.core;
  if (model.scope.fragile?.includes(me) === false) return;
  if (world.budget.exits > 0 && host.server.mode !== 'down') {
    const down = withHost(world, { ...host, server: { mode: 'down' } });
    add(`PostgreSQL of ${me} exits`, spent(deliver(model, down, me, { kind: 'exited' }), 'exits'));
  }
  if (world.budget.restarts > 0) {
    add(`the agent of ${me} restarts`, spent(withHost(world, rebooted(model, host, false)), 'restarts'));
    if (host.server.mode !== 'down') add(`${me} restarts`, spent(withHost(world, rebooted(model, host, true)), 'restarts'));
  }
}

export function rebooted({ duties }: Model, host: Host, isHost: boolean): Host {
  const after: Host = isHost ? { ...host, server: { mode: 'down' } } : host;
  const { promise, taint } = host.disk;
  const orphan = host.swap ?? host.orphan;
  const core = bootState(host.core.me, host.core.systemId, { promise, taint, postgres: observed(after) });
  return { ...after, core, job: null, ghost: isHost || duties.diesWithAgent ? null : host.job, swap: null, orphan };
}

function spent(world: World, what: keyof Budget): World {
  return { ...world, budget: { ...world.budget, [what]: world.budget[what] - 1 } };
}

/** What cannot matter any more is forgotten, so that equal worlds look equal. */
export function normalised({ duties, scope }: Model, world: World): World {
  const { revision, record } = world.etcd;
  const isStale = ({ orphan }: Host): boolean => orphan !== null && orphan.revision !== revision;
  const decidedEpoch = record.phase === 'electing' ? record.epoch - 1 : record.epoch;
  const isOld = ({ message }: Letter): boolean => message.epoch <= decidedEpoch;
  let next = world;
  if (duties.exactRevision && world.hosts.some(isStale)) {
    next = { ...next, hosts: world.hosts.map((host) => (isStale(host) ? { ...host, orphan: null } : host)) };
  }
  if (!scope.keepsOldMail && world.mail.some(isOld)) next = { ...next, mail: world.mail.filter((letter) => !isOld(letter)) };
  return next;
}
