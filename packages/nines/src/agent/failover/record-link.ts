/** The group's record in etcd: read when there is reason to, swapped at an exact revision. It never decides anything. */
import { setTimeout as delay } from 'node:timers/promises';
import type { GroupRecord, RecordView } from '../../failover/record.ts';
import { clusterKeys, listJson, type PauseRecord, type StoreKey, swapJson } from '../../store/keys.ts';
import { StoreRefusedError, StoreUnavailableError } from '../../store/store-errors.ts';
import type { Store } from '../../store/store.ts';
import { isRecord } from './peer-message.ts';

/** A read that fails is tried again after this long. */
const RETRY_MS = 150;
/** A wake-up that was missed costs at most this long. */
const POLL_MS = 5_000;
const CALL_TIMEOUT_MS = 1_000;

export type SwapOutcome =
  | { outcome: 'done'; view: RecordView }
  /** `current`: what stands there instead, when etcd said so. */
  | { outcome: 'refused'; current: RecordView | null }
  | { outcome: 'unknown' };

export interface RecordLinkOptions {
  store: Pick<Store, 'list' | 'compareAndSwap' | 'watch'>;
  cluster: string;
  group: string;
  signal: AbortSignal;
  /** Milliseconds that only grow. */
  now(): number;
  /** A read that returned; null: the key does not exist. `startedMs`: the record was no older than that. */
  onRead(view: RecordView | null, startedMs: number): void;
  onPaused(paused: boolean): void;
  log(message: string): void;
}

export class RecordLink {
  readonly #options: RecordLinkOptions;
  readonly #record: StoreKey<GroupRecord>;
  readonly #pause: StoreKey<PauseRecord>;
  readonly #prefix: string;
  #reading = false;
  #wanted = false;
  #isMalformed = false;
  #paused: boolean | null = null;
  /** Whether the last call was answered. */
  reachable = false;

  constructor(options: RecordLinkOptions) {
    const keys = clusterKeys(options.cluster);
    this.#options = options;
    this.#record = keys.postgresRecord(options.group);
    this.#pause = keys.postgresPause(options.group);
    this.#prefix = keys.postgresPrefix(options.group);
    const { store, signal } = options;
    const wake = () => this.read();
    void store.watch(this.#prefix, wake, signal);
    const poll = setInterval(wake, POLL_MS);
    poll.unref();
    signal.addEventListener('abort', () => clearInterval(poll), { once: true });
    wake();
  }

  /** One linearizable read, as soon as the running one has ended; it is repeated until etcd answers. */
  read(): void {
    this.#wanted = true;
    if (!this.#reading) void this.#readAll();
  }

  /** At that revision exactly, or not at all; revision 0: the key must not exist. Never rejects: what cannot be known is unknown. */
  async swap(revision: number, record: GroupRecord): Promise<SwapOutcome> {
    const { store, signal } = this.#options;
    try {
      const result = await swapJson(store, this.#record, revision, record, { signal, timeoutMs: CALL_TIMEOUT_MS });
      this.reachable = true;
      if (result.ok) return { outcome: 'done', view: { revision: result.modRevision, record } };
      const { current } = result;
      const isUsable = current !== null && isRecord(current.value);
      return { outcome: 'refused', current: isUsable ? { revision: current.modRevision, record: current.value } : null };
    } catch (error) {
      this.reachable = error instanceof StoreRefusedError;
      const isUnchanged = error instanceof StoreUnavailableError || error instanceof StoreRefusedError;
      return isUnchanged ? { outcome: 'refused', current: null } : { outcome: 'unknown' };
    }
  }

  async #readAll(): Promise<void> {
    const { signal } = this.#options;
    this.#reading = true;
    while (this.#wanted && !signal.aborted) {
      this.#wanted = false;
      if (await this.#readOnce()) continue;
      this.#wanted = true;
      await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
    this.#reading = false;
  }

  async #readOnce(): Promise<boolean> {
    const { store, signal, now, onRead, onPaused } = this.#options;
    const startedMs = now();
    let view: RecordView | null;
    let paused: boolean;
    try {
      // Both keys at once: with each change of the record every agent of the group asks, just when the machine is busiest.
      const find = await listJson(store, this.#prefix, { signal, timeoutMs: CALL_TIMEOUT_MS });
      const stored = find(this.#record);
      view = stored === null ? null : { revision: stored.modRevision, record: stored.value };
      paused = (find(this.#pause)?.value as PauseRecord | null | undefined)?.paused === true;
      this.reachable = true;
    } catch {
      this.reachable = false; // Expected whenever etcd is away; whoever waits for the record says so.
      return false;
    }
    if (!signal.aborted && paused !== this.#paused) onPaused((this.#paused = paused));
    if (!this.#isSound(view)) return false;
    if (!signal.aborted) onRead(view, startedMs);
    return true;
  }

  /** Nothing is decided by a record that cannot be one, and no agent ends by it: what was known before goes on to count. */
  #isSound(view: RecordView | null): boolean {
    const isMalformed = view !== null && !isRecord(view.record);
    const { group, log } = this.#options;
    if (isMalformed && !this.#isMalformed) log(`the record of '${group}' in etcd (revision ${view.revision}) is malformed: it is not used`);
    this.#isMalformed = isMalformed;
    return !isMalformed;
  }
}
