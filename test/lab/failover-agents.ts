/** Three agents of one PostgreSQL group in this process: real servers and a real etcd, peers in memory whose links can be cut. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Agent } from '../../packages/nines/src/agent/agent.ts';
import { DesiredState, saveSpec } from '../../packages/nines/src/agent/desired-state.ts';
import { ENGINES } from '../../packages/nines/src/agent/engines.ts';
import { FailoverGroups } from '../../packages/nines/src/agent/failover/failover-groups.ts';
import { PostgresRunner } from '../../packages/nines/src/agent/failover/postgres-runner.ts';
import { FirstTimes } from '../../packages/nines/src/agent/first-times.ts';
import type { UnitState } from '../../packages/nines/src/agent/host-state.ts';
import { killProcessesIn } from '../../packages/nines/src/engines/postgres/leftovers.ts';
import { createPostgresControl } from '../../packages/nines/src/engines/postgres/member-control.ts';
import { replay } from '../../packages/nines/src/failover/transcript.ts';
import { TIMING } from '../../packages/nines/src/failover/timing.ts';
import { type TestCluster, testCluster } from './data-engine-cluster.ts';
import { type EtcdCluster, eventually, startEtcdCluster } from './etcd-cluster.ts';
import { FailoverGates } from './failover-gates.ts';

export const GROUP = 'main';
const UNIT = `postgres-${GROUP}`;
const SETTINGS = { replicas: 3, durability: 'quorum' as const, port: 5432, database: 'orders', parameters: {} };

export interface TestAgent {
  host: string;
  groups: FailoverGroups;
  unit(): UnitState;
  said: string[];
  /** The agent ends, its server goes on; `start` is the next agent. */
  close(): void;
  start(): void;
}

export class FailoverAgents {
  readonly cluster: TestCluster;
  readonly etcd: EtcdCluster;
  readonly agents: TestAgent[] = [];
  /** Hosts whose messages, in both directions, are lost. */
  readonly cut = new Set<string>();
  readonly gates = new FailoverGates();
  readonly #receivers = new Map<string, (from: string, message: unknown) => void>();
  readonly #specs = new Map<string, DesiredState>();
  readonly #running = new Map<string, Agent>();

  private constructor(cluster: TestCluster, etcd: EtcdCluster) {
    this.cluster = cluster;
    this.etcd = etcd;
  }

  static async start(network: string, etcdAddress: number): Promise<FailoverAgents> {
    const etcd = await startEtcdCluster(etcdAddress);
    try {
      const cluster = await testCluster({ postgres: { [GROUP]: SETTINGS }, leader: 0, engines: ['postgres'], network });
      const agents = new FailoverAgents(cluster, etcd);
      for (const host of Object.keys(cluster.spec.hosts)) agents.agents.push(agents.#agent(host));
      return agents;
    } catch (error) {
      await etcd.remove();
      throw error;
    }
  }

  agentOf(node: string): TestAgent {
    return this.agents[Number(node.slice('replica_'.length))] as TestAgent;
  }

  /** The node that admits clients, by the word of most. */
  leader(): string | null {
    const views = this.agents.map(({ groups }) => groups.view(GROUP)?.leader?.node ?? null);
    const newest = this.agents.map(({ groups }) => groups.view(GROUP)).toSorted((a, b) => (b?.term ?? 0) - (a?.term ?? 0))[0];
    return newest?.leader?.node ?? views.find((node) => node !== null) ?? null;
  }

  /** Everybody votes who does not lead, and streams. */
  async whole(timeoutMs: number): Promise<number> {
    return await eventually('a leader and two counted standbys', timeoutMs, () => {
      const leader = this.leader();
      const view = leader === null ? null : this.agentOf(leader).groups.view(GROUP);
      return view?.phase === 'open' && view.proven && view.replicas.filter(({ counted }) => counted).length === 2;
    });
  }

  /** A new connection of the application to that member. The limit is for connecting, and again for each query. */
  client(node: string, limitMs = 1_000): pg.Client {
    const context = this.cluster.context('postgres', Number(node.slice('replica_'.length)));
    const host = context.spec.hosts[context.unit.host]?.address ?? '';
    const ca = readFileSync(context.certificate('postgres').caFile, 'utf8');
    const client = new pg.Client({
      ...{ host, port: SETTINGS.port, user: 'app', database: SETTINGS.database },
      password: this.cluster.secrets.postgres[`${GROUP}/app`] ?? '',
      ...{ connectionTimeoutMillis: limitMs, query_timeout: limitMs },
      ssl: { ca, host },
    });
    client.on('error', () => undefined);
    return client;
  }

  /** Asks for a restart of that member, as an operator does. */
  restart(node: string): void {
    const { host } = this.agentOf(node);
    for (const [at, desired] of this.#specs) {
      const { spec } = desired;
      const key = `${UNIT}@${host}`;
      desired.accept({ ...spec, revision: spec.revision + 1, restarts: { ...spec.restarts, [key]: (spec.restarts[key] ?? 0) + 1 } });
      this.#running.get(at)?.plan();
    }
  }

  postmaster(node: string): number {
    const { pid } = this.agentOf(node).unit();
    if (pid === null) throw new Error(`${node} runs no server`);
    return pid;
  }

  /** Every decision log, run again through the core as it is. */
  replays(): { host: string; steps: number; mismatch: unknown }[] {
    return this.agents.map(({ host }, ordinal) => {
      const file = join(this.cluster.context('postgres', ordinal).paths.dataDir, 'units', UNIT, 'decisions.jsonl');
      return { host, ...replay(readFileSync(file, 'utf8').split('\n')) };
    });
  }

  story(): string {
    return this.agents.map(({ host, said }) => said.map((line) => `${host} ${line}`).join('\n')).join('\n\n');
  }

  async end(): Promise<void> {
    for (const agent of this.agents) agent.close();
    for (const [ordinal, { said }] of this.agents.entries()) {
      const { paths } = this.cluster.context('postgres', ordinal);
      await killProcessesIn(join(paths.dataDir, 'units', UNIT, 'data')).catch((error: unknown) => said.push(String(error)));
    }
    await this.etcd.remove();
    this.cluster.remove();
  }

  #agent(host: string): TestAgent {
    const said: string[] = [];
    const { paths } = this.cluster.context('postgres', Number(host.slice(1)));
    mkdirSync(paths.runDir, { recursive: true });
    const file = join(paths.dataDir, 'desired.json');
    saveSpec(file, this.cluster.spec);
    this.#specs.set(host, new DesiredState(file, host));
    const agent: TestAgent = {
      ...{ host, said, groups: this.#start(host, said) },
      unit: () => {
        const unit = this.#running
          .get(host)
          ?.state()
          .units.find(({ name }) => name === UNIT);
        if (unit === undefined) throw new Error(`${host} has no ${UNIT}`);
        return unit;
      },
      close: () => {
        agent.groups.close();
        this.#running.get(host)?.close();
        this.#running.delete(host);
        this.#receivers.delete(host);
      },
      start: () => {
        agent.groups = this.#start(host, said);
      },
    };
    return agent;
  }

  #start(host: string, said: string[]): FailoverGroups {
    const desired = this.#specs.get(host) as DesiredState;
    const context = this.cluster.context('postgres', Number(host.slice(1)));
    const store = this.gates.store(host, this.etcd.store({ nearest: Number(host.slice(1)) }));
    const startedMs = performance.now();
    const log = (unit: string, message: string): void => void said.push(`${Math.round(performance.now() - startedMs)} ${unit}: ${message}`);
    const firstTime = new FirstTimes({ store, cluster: this.cluster.spec.topology.name, host });
    const groups = new FailoverGroups({
      ...{ host, store, log, timing: TIMING, random: Math.random, wallClock: Date.now },
      spec: () => desired.spec,
      now: () => performance.now(),
      peers: {
        onMessage: (receive) => void this.#receivers.set(host, receive),
        send: (to, message) => this.#send(host, to, message),
      },
    });
    const agent = new Agent({
      ...{ host, desired, engines: ENGINES, firstTime, log, paths: context.paths, secrets: context.secrets },
      ...{ certificate: context.certificate, certificates: [], beforeStart: async () => undefined },
      runnerOf: (_engine, name, unit) =>
        new PostgresRunner(name, {
          ...{ unit, firstTime, groups },
          createControl: (options) => this.gates.control(host, createPostgresControl(options)),
        }),
    });
    this.#running.set(host, agent);
    return groups;
  }

  #send(from: string, to: string, message: unknown): void {
    if (this.cut.has(from) || this.cut.has(to)) return;
    const text = JSON.stringify(message);
    setImmediate(() => this.#receivers.get(to)?.(from, JSON.parse(text)));
  }
}
