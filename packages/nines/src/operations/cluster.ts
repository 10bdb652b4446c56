/** A running cluster as the operator's commands see it: its agents, its store, its desired state. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { etcdEndpoints } from '../engines/etcd/render.ts';
import { NinesError } from '../errors/errors.ts';
import { certificatePaths } from '../identity/identity.ts';
import type { Lab } from '../lab/lab.ts';
import { clusterKeys, getJson, swapJson } from '../store/keys.ts';
import { createStore, type Revision, type Store } from '../store/store.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import { AgentClient, type HostAnswer, type OperatorTls } from './agent-client.ts';
import { leftovers, type NotReady, type Readiness, readiness } from './readiness.ts';

const POLL_MS = 150;

export const labPaths = (lab: Pick<Lab, 'dir'>) => ({
  identityDir: join(lab.dir, 'identity'),
  operatorDir: join(lab.dir, 'operator'),
  specFile: join(lab.dir, 'desired.json'),
  seedDir: (host: string) => join(lab.dir, 'hosts', host, 'seed'),
});

export class Cluster {
  readonly lab: Lab;
  readonly agents: AgentClient;
  readonly store: Store;
  #spec: ClusterSpec;

  private constructor(lab: Lab, tls: OperatorTls, spec: ClusterSpec) {
    this.lab = lab;
    this.#spec = spec;
    this.agents = new AgentClient(tls);
    this.store = createStore({ endpoints: etcdEndpoints(spec), tls });
  }

  /** Throws E_LAB_NOT_FOUND when the lab was never brought up. */
  static async open(lab: Lab): Promise<Cluster> {
    const paths = labPaths(lab);
    const operator = certificatePaths(paths.operatorDir, 'operator');
    try {
      const [ca, cert, key, spec] = await Promise.all(
        [operator.caFile, operator.certFile, operator.keyFile, paths.specFile].map((file) => readFile(file, 'utf8')),
      );
      return new Cluster(lab, { ca: String(ca), cert: String(cert), key: String(key) }, JSON.parse(String(spec)) as ClusterSpec);
    } catch (cause) {
      throw new NinesError('E_LAB_NOT_FOUND', `lab '${lab.name}' is not complete`, {
        cause,
        hint: "It is still coming up, or its 'nines up' was killed: then 'nines down' removes what is there.",
      });
    }
  }

  get spec(): ClusterSpec {
    return this.#spec;
  }

  get addresses(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.#spec.hosts).map(([host, { address }]) => [host, address]));
  }

  states(signal: AbortSignal): Promise<HostAnswer[]> {
    return this.agents.states(this.addresses, signal);
  }

  /** The newest desired state and its place in the store's history (0: etcd has none yet). */
  async fetchSpec(signal?: AbortSignal): Promise<{ spec: ClusterSpec; modRevision: Revision | 0 }> {
    const stored = await getJson(this.store, this.#key, signal === undefined ? {} : { signal });
    if (stored === null) return { spec: this.#spec, modRevision: 0 };
    this.#spec = stored.value;
    return { spec: stored.value, modRevision: stored.modRevision };
  }

  /**
   * Changes the desired state by compare-and-swap; `change` runs again when somebody else was faster. The revision goes
   * past every host's: they ignore an older one, and etcd may have been restored from a copy.
   */
  async changeSpec(change: (before: ClusterSpec) => ClusterSpec, signal: AbortSignal): Promise<ClusterSpec> {
    for (;;) {
      signal.throwIfAborted();
      const { spec, modRevision } = await this.fetchSpec(signal);
      const known = (await this.states(signal)).map(({ state }) => state?.revision ?? 0);
      const after = { ...change(spec), revision: Math.max(spec.revision, ...known) + 1 };
      const { ok } = await swapJson(this.store, this.#key, modRevision, after, { signal });
      if (!ok) continue;
      this.#spec = after;
      return after;
    }
  }

  /** Puts the first desired state into etcd; what is there already stays. */
  async publishFirstSpec(signal: AbortSignal): Promise<void> {
    await swapJson(this.store, this.#key, 0, this.#spec, { signal });
  }

  get #key() {
    return clusterKeys(this.#spec.topology.name).desired;
  }

  /**
   * Resolves when every unit is ready and nothing else runs; rejects at the signal with what is missing. When somebody
   * else changes the cluster meanwhile, the newest desired state counts. @param counts what to wait for; all when absent.
   */
  async waitReady(
    signal: AbortSignal,
    onProgress: (now: Readiness) => void = () => undefined,
    counts: (unit: NotReady) => boolean = () => true,
  ): Promise<void> {
    let last: Readiness | null = null;
    while (!signal.aborted) {
      const answers = await this.states(signal);
      // Asked on the way out, nobody answers: what was missing before is the better word.
      if (signal.aborted && last !== null) break;
      if (answers.some(({ state }) => (state?.revision ?? 0) > this.#spec.revision)) await this.fetchSpec(signal).catch(() => undefined);
      last = readiness(this.#spec, answers);
      last.missing = [...last.missing, ...leftovers(this.#spec, answers)].filter(counts);
      onProgress(last);
      if (last.missing.length === 0) return;
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    const missing = (last?.missing ?? []).map(({ unit, host, reason }) => `${unit} on ${host} ${reason}`);
    throw new NinesError('E_START_TIMEOUT', `not everything is ready: ${missing.join('; ') || 'nobody was asked'}`, {
      cause: signal.reason,
      hint: "What only waits goes on by itself ('nines status'). What crash-loops does not: see 'nines logs', put it right and run 'nines apply'.",
    });
  }

  close(): void {
    this.agents.close();
    this.store.close();
  }
}
