/**
 * Makes the HAProxy of this host send PostgreSQL's clients where the leadership says, the moment it is known. What is in force is
 * read back each time and every `POLL_MS`: after a start or a reload HAProxy knows nothing of it.
 */
import { primaryBackend } from '../../engines/haproxy/database.ts';
import { askRuntime } from '../../engines/haproxy/runtime-socket.ts';
import { type Routing, serverStates } from '../../engines/haproxy/server-state.ts';
import type { GroupView } from '../../failover/group-view.ts';
import { OldSessions } from './old-sessions.ts';
import { type BackendPlan, differs, type GroupRoutes, groupPlans, outOf, routeCommands } from './route-plan.ts';

/** One reading takes 0.2 ms of both processes; a persistent connection saves half of that and would stay with the old worker. */
const POLL_MS = 80;
const ANSWER_MS = 500;
/** What was told must be so when it is read back; else the next poll tries again. */
const ROUNDS_IN_A_ROW = 3;

export interface GatewaySockets {
  runtime: string;
  master: string;
}

export interface GatewayRoutesOptions {
  /** Null while no gateway is placed on this host. */
  sockets(): GatewaySockets | null;
  log(message: string): void;
  /** Milliseconds that only grow. */
  now(): number;
}

interface KnownGroup {
  view: GroupView;
  /** Since when the newest view waits to be in force; null: it is. */
  pendingSinceMs: number | null;
  routedTerm: number | null;
  listedAtMs: Map<string, number>;
}

export class GatewayRoutes {
  readonly #options: GatewayRoutesOptions;
  readonly #oldSessions: OldSessions;
  readonly #groups = new Map<string, KnownGroup>();
  #states: ReadonlyMap<string, ReadonlyMap<string, Routing>> = new Map();
  #timer: NodeJS.Timeout | null = null;
  #working: Promise<void> | null = null;
  #again = false;
  #roundsLeft = 0;
  #closed = false;
  #complaint: string | null = null;

  constructor(options: GatewayRoutesOptions) {
    this.#options = options;
    this.#oldSessions = new OldSessions(options.log);
    this.#timer = setTimeout(() => this.#poll(), POLL_MS);
  }

  /** What is known now; it is in force within milliseconds, or as soon as HAProxy answers. */
  follow(view: GroupView): void {
    const nowMs = this.#options.now();
    const known = this.#groups.get(view.group);
    const listedAtMs = known?.listedAtMs ?? new Map<string, number>();
    for (const { host } of known?.view.replicas ?? []) listedAtMs.set(host, nowMs);
    for (const { host } of view.replicas) listedAtMs.set(host, nowMs);
    const moved = known === undefined || known.view.leader?.host !== view.leader?.host || known.view.term !== view.term;
    const pendingSinceMs = known?.pendingSinceMs ?? (moved ? nowMs : null);
    this.#groups.set(view.group, { view, listedAtMs, pendingSinceMs, routedTerm: known?.routedTerm ?? null });
    this.#roundsLeft = ROUNDS_IN_A_ROW;
    this.#wake();
  }

  /** Nothing is told any more; what is in force stays: the gateway goes on without its agent. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await Promise.all([this.#working, this.#oldSessions.close()]);
  }

  #wake(): void {
    this.#again = true;
    if (this.#closed || this.#working !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#working = this.#work().finally(() => {
      this.#working = null;
      if (this.#closed) return;
      // A view may have come after the last look at it.
      if (this.#again && this.#roundsLeft > 0) this.#wake();
      else this.#timer = setTimeout(() => this.#poll(), POLL_MS);
    });
  }

  #poll(): void {
    this.#roundsLeft = ROUNDS_IN_A_ROW;
    this.#wake();
  }

  async #work(): Promise<void> {
    while (this.#again && this.#roundsLeft > 0 && !this.#closed) {
      this.#again = false;
      this.#roundsLeft -= 1;
      try {
        await this.#exchange();
        this.#complaint = null;
      } catch (error) {
        this.#states = new Map();
        this.#roundsLeft = 0;
        this.#complain(`the gateway cannot be told where PostgreSQL is: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  async #exchange(): Promise<void> {
    const sockets = this.#options.sockets();
    if (sockets === null) return;
    const asked = new Map(this.#groups);
    const due = [...asked.values()].flatMap((known) => this.#duePlans(known));
    const command = [...due.flatMap(({ backend, plan }) => routeCommands(backend, plan)), 'show servers state'].join('; ');
    this.#states = serverStates(await askRuntime(sockets.runtime, command, AbortSignal.timeout(ANSWER_MS)));
    for (const [group, known] of asked) this.#settle(group, known);
    for (const { backend, plan } of due) this.#oldSessions.owe(backend, outOf(plan));
    this.#oldSessions.cut(sockets.master);
  }

  #duePlans(known: KnownGroup): BackendPlan[] {
    const pending = known.pendingSinceMs !== null;
    return groupPlans(this.#routesOf(known), this.#states).filter((plan) => pending || differs(plan, this.#states));
  }

  /** Compares what was read back with what was asked for. */
  #settle(group: string, known: KnownGroup): void {
    // A configuration of before the group, until HAProxy reads the next.
    if (!this.#states.has(primaryBackend(group))) return;
    const plans = groupPlans(this.#routesOf(known), this.#states);
    if (plans.some((plan) => differs(plan, this.#states))) {
      this.#again = true;
      return;
    }
    const now = this.#groups.get(group);
    // A newer view came meanwhile: it is its own work.
    if (now === undefined || now.view !== known.view) return;
    const { leader } = known.view;
    if (known.pendingSinceMs !== null && plans.some(({ backend }) => backend === primaryBackend(group))) {
      const tookMs = (this.#options.now() - known.pendingSinceMs).toFixed(1);
      const where = leader === null ? 'nobody' : `${leader.host} (term ${leader.term})`;
      this.#options.log(`connections to the primary of '${group}' go to ${where} since ${tookMs} ms after it was known`);
    }
    this.#groups.set(group, { ...now, pendingSinceMs: null, routedTerm: leader?.term ?? now.routedTerm });
  }

  #routesOf({ view, routedTerm, listedAtMs }: KnownGroup): GroupRoutes {
    const nowMs = this.#options.now();
    return { view, routedTerm, absentMs: new Map([...listedAtMs].map(([host, atMs]) => [host, nowMs - atMs])) };
  }

  /** Once for each different reason, not at each poll. */
  #complain(message: string): void {
    if (this.#complaint !== message) this.#options.log(message);
    this.#complaint = message;
  }
}
