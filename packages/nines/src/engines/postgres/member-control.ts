/** Commands of the failover core, carried out on one member's PostgreSQL. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresCommand, PostgresExecutors } from '../../failover/commands.ts';
import type { PostgresEvent } from '../../failover/events.ts';
import { clone } from './clone.ts';
import type { ControlOptions, FoundMember, MemberSight, PostgresControl, Pulse } from './control.ts';
import { hasData } from './data-directory.ts';
import { readDurable, writeDurable } from './durable/failover-file.ts';
import { initialise } from './initialise.ts';
import { endingBy, type Member, memberOf } from './member.ts';
import { admit } from './primary/admit.ts';
import { Lookout } from './primary/look.ts';
import { promote } from './primary/promote.ts';
import { prove } from './primary/prove.ts';
import { PulseLine } from './primary/pulse.ts';
import { reload } from './primary/reload.ts';
import { shutDown } from './primary/shut-down.ts';
import { preparePrimary } from './roles.ts';
import { startupProcess } from './primary/server-children.ts';
import { boot } from './standby/boot.ts';
import { fence } from './standby/fence.ts';
import { follow } from './standby/follow.ts';
import { getReady } from './standby/get-ready.ts';
import { keepNudging } from './standby/nudge.ts';
import { hangUp } from './standby/query.ts';
import { rebuild } from './standby/rebuild.ts';
import { startFenced } from './standby/start-fenced.ts';
import { stopAtOnce } from './standby/stop-at-once.ts';

const EXECUTORS: PostgresExecutors<[m: Member, signal: AbortSignal], Promise<PostgresEvent>> = {
  start: async (_command, m, signal) => {
    await startFenced(m, signal);
    return { kind: 'started' };
  },
  fence: async ({ epoch }, m, signal) => ({ kind: 'fenced', ...(await fence(m, epoch, signal)) }),
  follow: async (command, m, signal) => {
    await follow(m, command, signal);
    const { leader, term, counted } = command;
    return { kind: 'followed', leader, term, counted };
  },
  clearTaint: async (_command, m) => {
    await writeDurable(m, { ...(await readDurable(m)), taint: 0 });
    return { kind: 'taintCleared' };
  },
  promote: async (command, m, signal) => {
    await promote(m, command, signal);
    return { kind: 'promoted', term: command.term, setting: command.setting };
  },
  reload: async ({ setting }, m, signal) => {
    await reload(m, setting, signal);
    return { kind: 'reloaded', setting };
  },
  prove: async ({ setting }, m, signal) => {
    await prove(m, setting, signal);
    return { kind: 'proved', setting };
  },
  admit: async (_command, m, signal) => {
    await admit(m, signal);
    return { kind: 'admitted' };
  },
  demote: async (_command, m, signal) => {
    await stopAtOnce(m, signal);
    await startFenced(m, signal);
    return { kind: 'demoted' };
  },
  rebuild: async ({ leader, term }, m, signal) => ({ kind: 'rebuilt', ...(await rebuild(m, { leader, term }, signal)) }),
  shutDown: async ({ to }, m, signal) => ({ kind: 'wasShutDown', to, log: await shutDown(m, to, signal) }),
};

/** What a command may take before it is given up and what is there is looked at. */
const DEADLINES_MS: { [Kind in PostgresCommand['kind']]: number } = {
  // Crash recovery replays up to `max_wal_size`; what stands still is given up by itself.
  start: 24 * 3_600_000,
  demote: 24 * 3_600_000,
  fence: 5_000,
  follow: 5_000,
  clearTaint: 5_000,
  promote: 10_000,
  reload: 5_000,
  // Held up by a voter that is gone; the core asks again, or for others.
  prove: 1_000,
  admit: 10_000,
  // A copy may take hours.
  rebuild: 24 * 3_600_000,
  // A checkpoint with much to write is in it.
  shutDown: 70_000,
};

const BOOT_MS = 120_000;
const OBSERVE_AGAIN_MS = 500;
const PREPARE_AGAIN_MS = 2_000;
/** What nobody waits for comes this long after a failover: clients are coming back. */
const AFTER_MS = 1_000;
/** The core orders what failed again at once. */
const BACK_OFF_MS = [0, 50, 100, 200, 400, 800] as const;

class MemberControl implements PostgresControl {
  readonly #member: Member;
  readonly #pulse: PulseLine;
  readonly #lookout: Lookout;
  readonly #ends: AbortController = new AbortController();
  #failures = 0;
  #idle = new AbortController();
  #isPreparing = false;

  constructor(options: ControlOptions) {
    const member = memberOf(options);
    this.#member = { ...member, io: endingBy(member.io, AbortSignal.any([member.io.signal, this.#ends.signal])) };
    this.#pulse = new PulseLine(this.#member);
    this.#lookout = new Lookout(this.#member);
  }

  hasData(): Promise<boolean> {
    return hasData(this.#member);
  }

  initialise(signal: AbortSignal): ReturnType<PostgresControl['initialise']> {
    return initialise(this.#member, signal);
  }

  clone(leader: string, signal: AbortSignal): Promise<void> {
    return clone(this.#member, leader, signal);
  }

  async boot(signal: AbortSignal): Promise<FoundMember> {
    const found = await boot(this.#member, signal);
    if (found.postgres.mode === 'primary') this.#prepareInBackground();
    return found;
  }

  async execute(command: PostgresCommand, signal: AbortSignal): Promise<PostgresEvent> {
    this.#idle.abort();
    try {
      const event = await this.#carryOut(command, AbortSignal.any([signal, AbortSignal.timeout(DEADLINES_MS[command.kind])]));
      // The core orders it again at once, until the end is sure.
      if (event.kind === 'fenced' && event.log === null) await this.#backOff(signal);
      else this.#failures = 0;
      // Not in the way of clients: after a failover everything is there, and only passwords are compared.
      if (event.kind === 'admitted') this.#prepareInBackground(AFTER_MS);
      if (event.kind === 'followed') void this.#getReady();
      return event;
    } catch (error) {
      signal.throwIfAborted();
      this.#member.io.log(`${command.kind} failed: ${error instanceof Error ? error.message : String(error)}`);
      await this.#backOff(signal);
      const { postgres, promise, taint } = await this.#observe(signal);
      // Clients may be in already: then the core does not order it again.
      if (command.kind === 'admit' && postgres.mode === 'primary') this.#prepareInBackground();
      return { kind: 'failed', postgres, promise, taint };
    }
  }

  pulse(deadlineMs: number): Promise<Pulse> {
    return this.#pulse.beat(deadlineMs);
  }

  look(deadlineMs: number): Promise<MemberSight> {
    return this.#lookout.look(deadlineMs);
  }

  get isClosing(): boolean {
    return this.#member.door.isClosing;
  }

  close(): void {
    this.#ends.abort();
    this.#pulse.close();
    this.#lookout.close();
    hangUp(this.#member);
  }

  #carryOut<Kind extends PostgresCommand['kind']>(
    command: Extract<PostgresCommand, { kind: Kind }>,
    signal: AbortSignal,
  ): Promise<PostgresEvent> {
    return EXECUTORS[command.kind](command, this.#member, signal);
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    await delay(BACK_OFF_MS[Math.min(this.#failures, BACK_OFF_MS.length - 1)], undefined, { signal });
    this.#failures += 1;
  }

  /** As an agent that starts: what is half-way to somewhere is stopped. Until it succeeds nothing is said of this member. */
  async #observe(signal: AbortSignal): Promise<FoundMember> {
    for (;;) {
      try {
        return await boot(this.#member, AbortSignal.any([signal, AbortSignal.timeout(BOOT_MS)]));
      } catch (error) {
        signal.throwIfAborted();
        this.#member.io.log(`what is there cannot be made out: ${error instanceof Error ? error.message : String(error)}`);
        await delay(OBSERVE_AGAIN_MS, undefined, { signal });
      }
    }
  }

  /** Until the next command. */
  async #getReady(): Promise<void> {
    this.#idle = new AbortController();
    const signal = AbortSignal.any([this.#idle.signal, this.#member.io.signal]);
    try {
      const { pid } = this.#member.server;
      const startup = pid === null ? undefined : startupProcess(pid);
      if (startup !== undefined) await keepNudging(startup.pid, AFTER_MS, signal);
      await getReady(this.#member, signal);
    } catch (error) {
      // Before the first leader has made the database there is none to connect to.
      if (!signal.aborted) this.#member.io.log(`not all is ready for the day when this member leads: ${String(error)}`);
    }
  }

  #prepareInBackground(afterMs = 0): void {
    if (this.#isPreparing) return;
    this.#isPreparing = true;
    void this.#prepare(afterMs).finally(() => {
      this.#isPreparing = false;
    });
  }

  /** Until it is done: nobody orders it again. A server that leads no more is left alone. */
  async #prepare(afterMs: number): Promise<void> {
    const { context, io, server } = this.#member;
    await delay(afterMs, undefined, { signal: io.signal }).catch(() => undefined);
    while (!io.signal.aborted && server.pid !== null) {
      try {
        return await preparePrimary(context, io);
      } catch (error) {
        if (!io.signal.aborted) io.log(`roles and slots are not all as the topology wants them: ${String(error)}`);
        await delay(PREPARE_AGAIN_MS, undefined, { signal: io.signal }).catch(() => undefined);
      }
    }
  }
}

export function createPostgresControl(options: ControlOptions): PostgresControl {
  return new MemberControl(options);
}
