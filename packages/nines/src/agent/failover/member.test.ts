import { afterEach, describe, expect, it } from 'vitest';
import type { FoundMember, PostgresControl } from '../../engines/postgres/control.ts';
import type { PostgresCommand } from '../../failover/commands.ts';
import type { PostgresEvent } from '../../failover/events.ts';
import type { GroupRecord, VoterSet } from '../../failover/record.ts';
import { TIMING } from '../../failover/timing.ts';
import { firstRecord } from '../../failover/transitions.ts';
import type { DecisionLog } from './decision-log.ts';
import { FailoverMember } from './member.ts';
import { Watch } from './watch/watch.ts';

const OLD: VoterSet = { acks: 1, voters: ['n2', 'n3'] };
const NEW: VoterSet = { acks: 1, voters: ['n3'] };
const record = (guard: VoterSet): GroupRecord => firstRecord('s', 'n1', guard, { term: 1, lsn: 10 });
const LEADING: FoundMember = {
  ...{ systemId: 's', promise: 1, taint: 0 },
  postgres: { mode: 'primary', term: 1, setting: NEW, proven: true, admitting: true },
};

describe('FailoverMember', () => {
  let ending: FailoverMember | null = null;
  afterEach(() => ending?.end());

  /** The agent of a leader that runs with the setting `NEW` starts anew; its own reads are answered by hand. */
  function agentOfLeader() {
    const commands: PostgresCommand[] = [];
    const never = new Promise<never>(() => undefined);
    const control: PostgresControl = {
      hasData: async () => true,
      initialise: () => never,
      clone: () => never,
      boot: async () => LEADING,
      execute: async (command): Promise<PostgresEvent> => {
        commands.push(command);
        return command.kind === 'reload' ? { kind: 'reloaded', setting: command.setting } : await never;
      },
      pulse: () => never,
      look: () => never,
      close: () => undefined,
    };
    const now = (): number => performance.now();
    const watch = new Watch({ group: 'main', me: 'n1', timing: TIMING, now, send: () => undefined, random: Math.random });
    const decisions = { boot: () => undefined, decided: () => undefined, note: () => undefined, flush: async () => undefined };
    const member = new FailoverMember({
      ...{ me: 'n1', group: 'main', isInitialLeader: true, control, watch, timing: TIMING },
      server: { pid: 4711, kill: () => undefined },
      link: { read: () => undefined, swap: () => never, reachable: true },
      now,
      serverAnswers: async () => true,
      firstTime: { mayBegin: async () => false, done: async () => undefined },
      decisions: decisions as unknown as DecisionLog,
      send: () => undefined,
      sendAll: () => undefined,
      publish: () => undefined,
      wrote: () => undefined,
      policy: () => null,
      changed: () => undefined,
      log: () => undefined,
    });
    ending = member;
    return { member, commands };
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
});
