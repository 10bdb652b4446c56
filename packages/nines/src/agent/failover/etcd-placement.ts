/** Keeps etcd's leader off the host of the PostgreSQL leader: the loss of one host is then one election, not two behind each other. */
import type { MemberReport, Store } from '../../store/store.ts';
import { messageOf } from '../message-of.ts';

const BETWEEN_MOVES_MS = 10_000;
const CHECK_EVERY_MS = 30_000;
const TIMEOUT_MS = 1_000;

export interface EtcdPlacementOptions {
  store: Pick<Store, 'status' | 'moveLeader'>;
  /** Of this host, as its etcd member has it in its client URL. */
  address: string;
  now(): number;
  log(message: string): void;
}

export class EtcdPlacement {
  readonly #options: EtcdPlacementOptions;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #movedMs = Number.NEGATIVE_INFINITY;
  #isChecking = false;

  constructor(options: EtcdPlacementOptions) {
    this.#options = options;
  }

  /** Called often while this host leads a group. `isNew`: its term has just opened. */
  lead(isNew: boolean): void {
    const nowMs = this.#options.now();
    const isDue = isNew || nowMs - this.#checkedMs >= CHECK_EVERY_MS;
    if (this.#isChecking || !isDue || nowMs - this.#movedMs < BETWEEN_MOVES_MS) return;
    this.#checkedMs = nowMs;
    this.#isChecking = true;
    void this.#check().finally(() => {
      this.#isChecking = false;
    });
  }

  async #check(): Promise<void> {
    const { store, address, now, log } = this.#options;
    const reports = await store.status({ timeoutMs: TIMEOUT_MS });
    const to = placeFor(reports, address);
    if (to === null) return;
    this.#movedMs = now();
    try {
      await store.moveLeader(to.memberId, { timeoutMs: TIMEOUT_MS });
      log(`etcd is led from ${to.endpoint} now: this host leads PostgreSQL`);
    } catch (error) {
      log(`etcd's leader stays on this host: ${messageOf(error)}`);
    }
  }
}

/** The member that should lead instead; null when the leader is elsewhere, is not known, or nobody else is well. */
export function placeFor(reports: readonly MemberReport[], address: string): { memberId: string; endpoint: string } | null {
  const well = reports.flatMap(({ endpoint, status }) => (status === null || status.errors.length > 0 ? [] : [{ endpoint, status }]));
  const isHere = (endpoint: string): boolean => URL.parse(endpoint)?.hostname === address;
  const leader = well.find(({ status }) => status.leaderId === status.memberId);
  if (leader === undefined || !isHere(leader.endpoint)) return null;
  const other = well.find(({ endpoint, status }) => !isHere(endpoint) && status.leaderId === leader.status.memberId);
  return other === undefined ? null : { memberId: other.status.memberId, endpoint: other.endpoint };
}
