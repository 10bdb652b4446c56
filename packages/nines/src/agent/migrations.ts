/**
 * A service's migrations run once per cluster and command: the host that wins a compare-and-swap runs them, the others
 * wait for its word. A host that once saw them done remembers it on disk, so that etcd may be away at later starts.
 * The command itself has to be safe to run twice, also at once: its runner may die, or be cut off from etcd, before its word.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { UnitContext } from '../engines/engine.ts';
import { clusterKeys, getJson, type MigrationRecord, type StoreKey, swapJson } from '../store/keys.ts';
import type { Revision, Store } from '../store/store.ts';
import { readText, writeFileAtomic } from './files.ts';
import { orAborted } from './or-aborted.ts';

export interface MigrationTimes {
  /** Between two looks or tries. */
  retryMs: number;
  /** So long it is tried again within one start of a unit: at `up` the database needs its time. Then the start fails, with the reason. */
  tryAgainForMs: number;
  /** A runner that gave no word for this long, by the clock of who waits, is taken for dead, and somebody else runs them again. */
  abandonedMs: number;
}

const TIMES: MigrationTimes = { retryMs: 250, tryAgainForMs: 10_000, abandonedMs: 15_000 };

export interface MigrationsOptions {
  store: Store;
  host: string;
  dataDir: string;
  /** Runs the command to its end; rejects with its last words when it fails. */
  execute(context: UnitContext, service: string, signal: AbortSignal): Promise<unknown>;
  log(unit: string, message: string): void;
  times?: MigrationTimes;
}

/** One try that the instances of this host share; it ends when none of them waits for it any more. */
interface Attempt {
  done: Promise<void>;
  stop: AbortController;
  waiters: number;
}

interface Task {
  context: UnitContext;
  service: string;
  /** Of the command. */
  hash: string;
  key: StoreKey<MigrationRecord>;
  signal: AbortSignal;
}

export class Migrations {
  readonly #options: MigrationsOptions;
  readonly #times: MigrationTimes;
  readonly #underWay = new Map<string, Attempt>();

  constructor(options: MigrationsOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
  }

  /** Resolves when the migrations of the unit's service are done; at once when it has none. Rejects with what stands in the way. */
  async ensure(context: UnitContext, signal: AbortSignal): Promise<void> {
    const service = context.unit.engine === 'service' ? context.unit.group : null;
    if (service === null) return;
    const command = context.spec.topology.services[service]?.migrate ?? null;
    if (command === null) return;
    const hash = createHash('sha256').update(JSON.stringify(command)).digest('hex').slice(0, 16);
    if (readText(this.#memory(service)) === hash) return;
    const name = `${service} ${hash}`;
    const attempt = this.#underWay.get(name) ?? this.#begin(name, context, service, hash);
    attempt.waiters += 1;
    try {
      await orAborted(attempt.done, signal);
    } finally {
      attempt.waiters -= 1;
      if (attempt.waiters === 0) this.#end(name, attempt);
    }
  }

  #memory(service: string): string {
    return join(this.#options.dataDir, `migrated-${service}`);
  }

  #begin(name: string, context: UnitContext, service: string, hash: string): Attempt {
    const stop = new AbortController();
    const key = clusterKeys(context.spec.topology.name).migration(service);
    const done = this.#untilDone({ context, service, hash, key, signal: stop.signal }).then(() =>
      writeFileAtomic(this.#memory(service), hash, { mode: 0o600 }),
    );
    const attempt = { done, stop, waiters: 0 };
    this.#underWay.set(name, attempt);
    return attempt;
  }

  #end(name: string, attempt: Attempt): void {
    if (this.#underWay.get(name) === attempt) this.#underWay.delete(name);
    attempt.stop.abort(new Error('nobody waits for the migrations any more'));
  }

  async #untilDone(task: Task): Promise<void> {
    let giveUpAtMs = performance.now() + this.#times.tryAgainForMs;
    // Clocks of hosts differ: a runner is judged by how long its record stays the same here, not by the time in it.
    let seen: { revision: Revision; atMs: number } = { revision: -1, atMs: 0 };
    for (;;) {
      task.signal.throwIfAborted();
      let obstacle: string;
      try {
        const stored = await getJson(this.#options.store, task.key, { signal: task.signal });
        const record = stored?.value.command === task.hash ? stored.value : null;
        if (record?.state === 'done') return;
        const revision = stored?.modRevision ?? 0;
        if (revision !== seen.revision) seen = { revision, atMs: performance.now() };
        const runsElsewhere = record?.state === 'running' && record.host !== this.#options.host;
        const waits = runsElsewhere && performance.now() - seen.atMs < this.#times.abandonedMs;
        if (waits) giveUpAtMs = performance.now() + this.#times.tryAgainForMs;
        else if (await this.#run(task, revision)) return;
        obstacle = 'another host runs them';
      } catch (error) {
        obstacle = messageOf(error);
      }
      task.signal.throwIfAborted();
      if (performance.now() > giveUpAtMs) throw new Error(`migrations of ${task.service}: ${obstacle}`);
      await delay(this.#times.retryMs, undefined, { signal: task.signal });
    }
  }

  /** False when somebody else was faster. Keeps saying that it is alive while it runs. */
  async #run(task: Task, expected: Revision): Promise<boolean> {
    const { context, service, key, signal } = task;
    const { store, execute, log } = this.#options;
    const claimed = await swapJson(store, key, expected, this.#record(task, 'running'), { signal });
    if (!claimed.ok) return false;
    let { modRevision } = claimed;
    const running = execute(context, service, signal);
    const ended = running.then(
      () => true,
      () => true,
    );
    while (!(await Promise.race([ended, delay(this.#times.abandonedMs / 5, false, { ref: false })]))) {
      // With etcd away the command goes on; the next word may get through.
      modRevision = await this.#say(task, modRevision, 'running').catch(() => modRevision);
    }
    try {
      await running;
    } catch (error) {
      const reason = messageOf(error);
      log(context.unit.name, `migrations of ${service} failed: ${reason}`);
      // Only for people: whoever comes next tries again, with this word or without it.
      await this.#say(task, modRevision, 'failed', reason).catch(() => undefined);
      throw error;
    }
    await this.#sayDone(task, modRevision);
    log(context.unit.name, `migrations of ${service} are done`);
    return true;
  }

  /** They are done, whatever etcd knows of it; but the other hosts should not run them again for want of a word. */
  async #sayDone(task: Task, modRevision: Revision): Promise<void> {
    const giveUpAtMs = performance.now() + this.#times.tryAgainForMs;
    for (;;) {
      try {
        await this.#say(task, modRevision, 'done');
        return;
      } catch (error) {
        task.signal.throwIfAborted();
        if (performance.now() > giveUpAtMs) {
          return this.#options.log(task.context.unit.name, `etcd does not know that migrations are done: ${messageOf(error)}`);
        }
        await delay(this.#times.retryMs, undefined, { signal: task.signal });
      }
    }
  }

  /** Revision to expect next time. */
  async #say(task: Task, expected: Revision, state: MigrationRecord['state'], reason = ''): Promise<Revision> {
    const { store, host } = this.#options;
    const word = this.#record(task, state, reason);
    let said = await swapJson(store, task.key, expected, word, { signal: task.signal });
    const current = said.ok ? null : said.current;
    // An earlier word of ours, whose outcome was not known, may have come through: this one goes over it.
    if (current?.value.host === host && current.value.command === task.hash) {
      said = await swapJson(store, task.key, current.modRevision, word, { signal: task.signal });
    }
    return said.ok ? said.modRevision : expected;
  }

  #record({ hash }: Task, state: MigrationRecord['state'], reason = ''): MigrationRecord {
    return { command: hash, state, host: this.#options.host, atMs: Date.now(), reason };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
