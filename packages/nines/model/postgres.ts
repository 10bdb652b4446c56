/** The executors as the model has them: each command's effect on disk and server, each duty a wall that can be taken away. */
import type { PostgresCommand, PostgresExecutors } from '../src/failover/commands.ts';
import type { PostgresEvent } from '../src/failover/events.ts';
import { holds, type LogEnd } from '../src/failover/log.ts';
import { LONE, sameSet } from '../src/failover/record.ts';
import { type Host, hostOf, type Job, type Model, observed, type Server, type World } from './world.ts';

/** After one stage of a job: an answer ends it. */
interface Progress {
  host: Host;
  world?: World;
  answer?: PostgresEvent;
}

type Executors = PostgresExecutors<[model: Model, world: World, host: Host, job: Job], Progress>;

const again = (host: Host, job: Job, more: Partial<Job> = {}): Progress => ({
  host: { ...host, job: { ...job, ...more, stage: job.stage + 1 } },
});

function failed(host: Host): PostgresEvent {
  const { promise, taint } = host.disk;
  return { kind: 'failed', postgres: observed(host), promise, taint };
}

/** Only a restart can come between the stages of a fence or a promotion; without one they are taken together. */
const canRestart = ({ budget }: World): boolean => budget.restarts > 0;

const failure = (host: Host): Progress => ({ host, answer: failed(host) });

function booted({ duties }: Model, host: Host): Host {
  return { ...host, server: { mode: 'standby', link: duties.bootFenced ? null : host.disk.link } };
}

const EXECUTORS: Executors = {
  start: (_command, model, _world, host) => ({ host: booted(model, host), answer: { kind: 'started' } }),
  demote: (_command, model, _world, host) => ({ host: booted(model, host), answer: { kind: 'demoted' } }),
  clearTaint: (_command, _model, _world, host) => ({
    host: { ...host, disk: { ...host.disk, taint: 0 } },
    answer: { kind: 'taintCleared' },
  }),

  fence: ({ epoch }, { duties }, world, host, job) => {
    const promise = Math.max(host.disk.promise, epoch);
    const promised = duties.promiseDurable ? { ...host, disk: { ...host.disk, promise } } : host;
    if (job.stage === 0 && canRestart(world)) return again(promised, job);
    if (host.server.mode !== 'standby') return failure(promised);
    const server: Server = duties.receiverDead ? { mode: 'standby', link: null } : host.server;
    return { host: { ...promised, server }, answer: { kind: 'fenced', promise, log: host.disk.log } };
  },

  follow: ({ leader, term, counted }, { duties }, _world, host) => {
    if (host.server.mode !== 'standby') return failure(host);
    const link = { leader, term, counted };
    const disk = duties.bootFenced ? host.disk : { ...host.disk, link };
    return { host: { ...host, disk, server: { mode: 'standby', link } }, answer: { kind: 'followed', ...link } };
  },

  promote: ({ term: wanted, setting }, { duties }, world, host, job) => {
    if (host.server.mode !== 'standby') return failure(host);
    const tainted = duties.taintFirst ? { ...host, disk: { ...host.disk, taint: wanted } } : host;
    if (job.stage === 0 && canRestart(world)) return again(tainted, job);
    const { log } = host.disk;
    const term = duties.freshTimeline ? wanted : log.term + 1;
    const isTwin = world.tree.some((each) => each.term === term);
    const tree = [...world.tree, { term, node: host.core.me, parent: log.term, fork: log.lsn }].sort(
      (left, right) => left.term - right.term,
    );
    const server: Server = {
      mode: 'primary',
      term,
      setting: duties.failClosed ? setting : LONE,
      armed: duties.failClosed && setting.acks > 0,
      admitting: !duties.failClosed,
      senders: [],
    };
    const promoted: Host = { ...tainted, disk: { ...tainted.disk, log: { term, lsn: log.lsn + 1 } }, server };
    const answer: PostgresEvent = term === wanted ? { kind: 'promoted', term, setting } : failed(promoted);
    return {
      host: promoted,
      world: { ...world, tree, broken: isTwin ? `two nodes were promoted to timeline ${term}` : world.broken },
      answer,
    };
  },

  reload: ({ setting }, _model, _world, host) => {
    if (host.server.mode !== 'primary') return failure(host);
    const armed = host.server.armed && setting.acks > 0;
    return { host: { ...host, server: { ...host.server, setting, armed } }, answer: { kind: 'reloaded', setting } };
  },

  prove: ({ setting }, { duties }, _world, host) => {
    const { server } = host;
    if (server.mode !== 'primary') return failure(host);
    const isSeen = server.senders.every(({ seen }) => sameSet(seen, setting));
    const flushed = server.senders.filter(({ to, counted, flush }) => counted && setting.voters.includes(to) && flush >= host.disk.log.lsn);
    const isProven =
      (isSeen || !duties.everySender) &&
      (flushed.length >= setting.acks || !duties.flushedByQuorum) &&
      (server.armed || setting.acks === 0 || !duties.armed);
    return isProven ? { host, answer: { kind: 'proved', setting } } : failure(host);
  },

  admit: (_command, _model, _world, host) => {
    if (host.server.mode !== 'primary') return failure(host);
    return { host: { ...host, server: { ...host.server, admitting: true } }, answer: { kind: 'admitted' } };
  },

  rebuild: ({ leader, term }, { duties }, world, host, job) => {
    if (host.server.mode !== 'standby') return failure(host);
    const source = hostOf(world, leader);
    const replaced = (log: LogEnd, taint: number): Host => ({
      ...host,
      disk: { ...host.disk, log, taint },
      server: { mode: 'standby', link: null },
    });
    if (job.stage > 0) return { host: replaced(job.copy as LogEnd, 0), answer: { kind: 'rebuilt', log: job.copy as LogEnd, taint: 0 } };
    if (source.server.mode !== 'primary' || source.server.term !== term) return failure(host);
    return again(duties.atomicReplace ? host : replaced({ term: 0, lsn: 0 }, host.disk.taint), job, { copy: source.disk.log });
  },

  shutDown: ({ to }, { duties }, world, host, job) => {
    const { server } = host;
    if (server.mode !== 'primary') return failure(host);
    if (job.stage === 0) {
      const log = { ...host.disk.log, lsn: host.disk.log.lsn + 1 };
      return again({ ...host, disk: { ...host.disk, log }, server: { ...server, admitting: false } }, job);
    }
    const { log } = host.disk;
    const hasArrived = holds(world.tree, hostOf(world, to).disk.log, log) || !duties.checkpointArrived;
    return hasArrived ? { host: { ...host, server: { mode: 'down' } }, answer: { kind: 'wasShutDown', to, log } } : failure(host);
  },
};

/** One stage of the job at the moment it happens to be done. */
export function perform(model: Model, world: World, host: Host, job: Job): Progress {
  const executor = EXECUTORS[job.command.kind] as (command: PostgresCommand, ...context: [Model, World, Host, Job]) => Progress;
  return executor(job.command, model, world, host, job);
}
