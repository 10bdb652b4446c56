/**
 * A service's migrations run once per cluster and command: the host that wins a compare-and-swap runs them, the others
 * wait for its word. A host that once saw them done remembers it on disk, so that etcd may be away at later starts.
 * The command itself has to be safe to run twice: its runner may die after the last statement and before its word.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { UnitContext } from '../engines/engine.ts';
import { migrationPlan } from '../engines/service/migration.ts';
import { clusterKeys, getJson, type MigrationRecord, type StoreKey, swapJson } from '../store/keys.ts';
import type { Revision, Store } from '../store/store.ts';
import { readText, writeFileAtomic } from './files.ts';
import { run } from './run.ts';

const RETRY_MS = 250;
const RUN_TIMEOUT_MS = 10 * 60_000;
/** A runner that gave no word for this long is taken for dead, and somebody else runs them again. */
const ABANDONED_MS = 15_000;

export class Migrations {
  readonly #store: Store;
  readonly #host: string;
  readonly #dataDir: string;
  readonly #log: (unit: string, message: string) => void;
  /** Services whose migrations this agent runs or waits for now: its instances share one try. */
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: { store: Store; host: string; dataDir: string; log(unit: string, message: string): void }) {
    this.#store = options.store;
    this.#host = options.host;
    this.#dataDir = options.dataDir;
    this.#log = options.log;
  }

  /** Resolves when the migrations of the unit's service are done; at once when it has none. */
  async ensure(context: UnitContext, signal: AbortSignal): Promise<void> {
    const service = context.unit.engine === 'service' ? context.unit.group : null;
    if (service === null) return;
    const command = context.spec.topology.services[service]?.migrate ?? null;
    if (command === null) return;
    const hash = createHash('sha256').update(JSON.stringify(command)).digest('hex').slice(0, 16);
    const memory = join(this.#dataDir, `migrated-${service}`);
    if (readText(memory) === hash) return;
    const known = this.#underWay.get(service);
    if (known !== undefined) return known;
    const attempt = this.#once(context, service, hash, signal)
      .then(() => writeFileAtomic(memory, hash, { mode: 0o600 }))
      .finally(() => this.#underWay.delete(service));
    this.#underWay.set(service, attempt);
    return attempt;
  }

  async #once(context: UnitContext, service: string, hash: string, signal: AbortSignal): Promise<void> {
    const key = clusterKeys(context.spec.topology.name).migration(service);
    while (!signal.aborted) {
      try {
        const stored = await getJson(this.#store, key, { signal });
        const record = stored?.value;
        if (record?.command === hash && record.state === 'done') return;
        const busy =
          record?.command === hash && record.state === 'running' && record.host !== this.#host && Date.now() - record.atMs < ABANDONED_MS;
        const at = { key, hash, expected: stored?.modRevision ?? (0 as const) };
        if (!busy && (await this.#run(context, service, at, signal))) return;
      } catch (error) {
        this.#log(context.unit.name, `migrations wait: ${error instanceof Error ? error.message : String(error)}`);
      }
      await delay(RETRY_MS, undefined, { signal });
    }
    signal.throwIfAborted();
  }

  /** False when somebody else was faster. Keeps saying that it is alive while it runs. */
  async #run(context: UnitContext, service: string, at: Claim, signal: AbortSignal): Promise<boolean> {
    const record = (state: MigrationRecord['state'], reason = ''): MigrationRecord => ({
      command: at.hash,
      state,
      host: this.#host,
      atMs: Date.now(),
      reason,
    });
    const claimed = await swapJson(this.#store, at.key, at.expected, record('running'), { signal });
    if (!claimed.ok) return false;
    let { modRevision } = claimed;
    const plan = migrationPlan(context, service);
    const running = run(plan.argv, { user: plan.user, env: plan.env, cwd: plan.cwd, timeoutMs: RUN_TIMEOUT_MS, signal });
    const ended = running.then(
      () => true,
      () => true,
    );
    while (!(await Promise.race([ended, delay(ABANDONED_MS / 5, false, { ref: false })]))) {
      const renewed = await swapJson(this.#store, at.key, modRevision, record('running'), { signal });
      if (!renewed.ok) break; // Somebody took us for dead; what we run is safe to run twice.
      modRevision = renewed.modRevision;
    }
    try {
      await running;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await swapJson(this.#store, at.key, modRevision, record('failed', reason), { signal });
      throw error;
    }
    const finished = await swapJson(this.#store, at.key, modRevision, record('done'), { signal });
    this.#log(context.unit.name, `migrations of ${service} are done`);
    return finished.ok;
  }
}

interface Claim {
  key: StoreKey<MigrationRecord>;
  hash: string;
  expected: Revision | 0;
}
