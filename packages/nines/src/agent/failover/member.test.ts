import { afterEach, describe, expect, it } from 'vitest';
import type { FoundMember, PostgresControl } from '../../engines/postgres/control.ts';
import type { PostgresCommand } from '../../failover/commands.ts';
import type { PostgresEvent } from '../../failover/events.ts';
import type { GroupRecord, VoterSet } from '../../failover/record.ts';
import { TIMING } from '../../failover/timing.ts';
import type { Heartbeat } from '../../failover/heartbeat.ts';
import { firstRecord } from '../../failover/transitions.ts';
import type { DecisionLog } from './decision-log.ts';
import { type Detectors, FailoverMember, type MemberOptions } from './member.ts';
import { Watch } from './watch/watch.ts';

const OLD: VoterSet = { acks: 1, voters: ['n2', 'n3'] };
const NEW: VoterSet = { acks: 1, voters: ['n3'] };
const record = (guard: VoterSet): GroupRecord => firstRecord('s', 'n1', guard, { term: 1, lsn: 10 });
const LEADING: FoundMember = {
  ...{ systemId: 's', promise: 1, taint: 0 },
  postgres: { mode: 'primary', term: 1, setting: NEW, proven: true, admitting: true },
};

const never = new Promise<never>(() => undefined);
const decisions = { boot: () => undefined, decided: () => undefined, note: () => undefined, flush: async () => undefined };

const CONTROL: PostgresControl = {
  hasData: async () => true,
  initialise: () => never,
  clone: () => never,
  boot: async () => LEADING,
  execute: () => never,
  pulse: () => never,
  look: () => never,
  isClosing: false,
  close: () => undefined,
};

describe('FailoverMember', () => {
  let ending: FailoverMember | null = null;
  afterEach(() => ending?.end());

  function memberWith(options: Pick<MemberOptions, 'me' | 'control' | 'watch' | 'now'> & Partial<MemberOptions>): FailoverMember {
    const member = new FailoverMember({
      ...{ group: 'main', isInitialLeader: true, timing: TIMING },
      server: { pid: 4711, kill: () => undefined },
      link: { read: () => undefined, swap: () => never, reachable: true },
      serverAnswers: async () => true,
      firstTime: { mayBegin: async () => false, done: async () => undefined },
      decisions: decisions as unknown as DecisionLog,
      send: () => undefined,
      sendAll: () => undefined,
      publish: () => undefined,
      wrote: () => undefined,
      policy: () => null,
      standstill: () => null,
      changed: () => undefined,
      log: () => undefined,
      ...options,
    });
    ending = member;
    return member;
  }

  /** The agent of a leader that runs with the setting `NEW` starts anew; its own reads are answered by hand. */
  function agentOfLeader(more: Partial<MemberOptions> = {}) {
    const commands: PostgresCommand[] = [];
    const control: PostgresControl = {
      ...CONTROL,
      execute: async (command): Promise<PostgresEvent> => {
        commands.push(command);
        return command.kind === 'reload' ? { kind: 'reloaded', setting: command.setting } : await never;
      },
    };
    const now = (): number => performance.now();
    const watch = new Watch({ group: 'main', me: 'n1', timing: TIMING, now, send: () => undefined, random: Math.random });
    return { member: memberWith({ me: 'n1', control, watch, now, ...more }), commands };
  }

  /**
   * A standby that follows n1 and receives nothing, in a time that runs a hundred times as fast. Its first copy fails when `fails`; every
   * one after it is complete.
   */
  function agentOfStaleStandby(fails: boolean) {
    const commands: string[] = [];
    const beats: Heartbeat[] = [];
    const logged: string[] = [];
    const log = { term: 1, lsn: 500 };
    const following = { leader: 'n1', term: 1, counted: true };
    const standby = { mode: 'standby', following: null, log } as const;
    const now = (): number => performance.now() * 100;
    const control: PostgresControl = {
      ...CONTROL,
      boot: async () => ({ ...LEADING, postgres: { mode: 'standby', following, log: null } }),
      execute: async ({ kind }): Promise<PostgresEvent> => {
        commands.push(kind);
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (kind === 'fence') return { kind: 'fenced', promise: 1, log };
        if (kind === 'follow') return { kind: 'followed', ...following };
        const isFailure = fails && commands.filter((each) => each === 'rebuild').length === 1;
        return isFailure ? { kind: 'failed', postgres: standby, promise: 1, taint: 0 } : { kind: 'rebuilt', log, taint: 0 };
      },
      look: async () => ({
        ...{ answers: true, role: 'standby', term: 1, flushLsn: 500, replayLsn: 500, streaming: true, standbys: [] },
      }),
    };
    const leader = (): Heartbeat => ({
      ...{ node: 'n1', sequence: 1, epoch: 1, term: 1, role: 'primary', admitting: true, healthy: true, exited: false, leaves: false },
      ...{ pulses: 1, flushLsn: 1_000 + now(), replayLsn: null, streamsTerm: null, content: true, lagMs: 0 },
    });
    const watch: Detectors = {
      ...{ heard: () => undefined, preVoteAsked: () => undefined, preVoteAnswered: () => undefined, record: () => undefined },
      ...{ walMoved: () => undefined, serverToProbe: () => null, serverProbed: () => undefined, paused: () => undefined },
      facts: () => ({ suspected: false, overdue: false, consent: false }),
      explain: () => 'the leader is well',
      latest: leader,
      content: () => true,
      isAlert: () => false,
    };
    const publish = (heartbeat: Heartbeat): void => void beats.push(heartbeat);
    const member = memberWith({ me: 'n2', control, watch, now, publish, log: (message) => void logged.push(message) });
    return { member, commands, beats, logged, now };
  }

  const until = async (holds: () => boolean): Promise<void> => {
    const limit = performance.now() + 3_000;
    while (!holds() && performance.now() < limit) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(holds()).toBe(true);
  };

  it('takes no record for read that another agent told it, or that was read before its own life', async () => {
    const beforeMs = performance.now() - 1;
    const { member, commands } = agentOfLeader();
    member.receive('n2', { group: 'main', kind: 'record', view: { revision: 5, record: record(OLD) } });
    member.read({ revision: 6, record: record(OLD) }, beforeMs);
    member.start();
    await until(() => member.state !== null);
    member.read({ revision: 6, record: record(OLD) }, beforeMs);
    expect(member.state).toMatchObject({ view: null, newestRevision: 0 });
    // Its present setting is the recorded one: an older one, in force for a moment, would be acknowledged by whom nobody fences.
    member.read({ revision: 7, record: record(NEW) }, performance.now());
    expect(member.state?.view?.revision).toBe(7);
    expect(commands).toEqual([]);
    member.read({ revision: 8, record: record(OLD) }, performance.now());
    expect(commands).toEqual([{ kind: 'reload', setting: OLD }]);
  });

  it('copies the leader anew when it follows and nothing comes, and counts again', async () => {
    const { member, commands, beats, logged, now } = agentOfStaleStandby(false);
    member.start();
    await until(() => member.state !== null);
    member.read({ revision: 7, record: record(NEW) }, now());
    await until(() => commands.length >= 3);
    expect(commands.slice(0, 3)).toEqual(['fence', 'rebuild', 'follow']);
    expect(beats.some(({ leaves }) => leaves)).toBe(true);
    await until(() => beats.at(-1)?.leaves === false);
    expect(logged.filter((line) => line.includes('its data is copied anew'))).toHaveLength(1);
  });

  it('follows again when that copy fails, says what is wrong, and does not try it again soon', async () => {
    const { member, commands, beats, now } = agentOfStaleStandby(true);
    member.start();
    await until(() => member.state !== null);
    member.read({ revision: 7, record: record(NEW) }, now());
    await until(() => commands.includes('follow') && member.reason.includes('a copy did not help'));
    expect(commands).toEqual(['fence', 'rebuild', 'follow']);
    expect(beats.at(-1)?.leaves).toBe(false);
  });

  it('stops a server that leads into a standstill at once, and kills one that does not stop', async () => {
    const signals: string[] = [];
    const server = { pid: 4711, kill: (signal: string) => void signals.push(signal) };
    const logged: string[] = [];
    const log = (message: string): void => void logged.push(message);
    // Its leadership is proven: that is not what it is stopped for.
    const control: PostgresControl = { ...CONTROL, pulse: async () => ({ lsn: 1, tookMs: 1 }) };
    const { member } = agentOfLeader({ server, control, log, standstill: () => 'nothing goes' });
    member.start();
    await until(() => signals.includes('SIGKILL'));
    expect(signals[0]).toBe('SIGQUIT');
    expect(logged).toEqual(['nothing goes']);
  });
});
