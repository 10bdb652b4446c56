/** What the tests of single steps do to the group, and what has to hold after each of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { historyFileName } from '../../packages/nines/src/engines/postgres/primary/history.ts';
import { clusterKeys } from '../../packages/nines/src/store/keys.ts';
import type { GroupRecord } from '../../packages/nines/src/failover/record.ts';
import type { GroupView } from '../../packages/nines/src/failover/group-view.ts';
import { eventually } from './etcd-cluster.ts';
import { FailoverAgents, GROUP, type TestAgent } from './failover-agents.ts';
import type { Gate } from './failover-gates.ts';
import { FailoverWriter } from './failover-writer.ts';
import { signalIfThere } from '../../packages/nines/src/engines/postgres/primary/server-children.ts';

export const NODES = ['replica_0', 'replica_1', 'replica_2'] as const;
export const LEADS_MS = 15_000;
const WHOLE_MS = 40_000;
/** For an answer of a group that is whole. */
const PATIENT_MS = 10_000;

export class Interleaving {
  readonly agents: FailoverAgents;
  readonly writer: FailoverWriter;
  readonly #frozen: number[] = [];

  private constructor(agents: FailoverAgents) {
    this.agents = agents;
    this.writer = new FailoverWriter(agents);
  }

  static async start(network: string, etcdAddress: number): Promise<Interleaving> {
    const agents = await FailoverAgents.start(network, etcdAddress);
    const interleaving = new Interleaving(agents);
    try {
      await agents.whole(WHOLE_MS);
      const client = agents.client(agents.leader() ?? '', PATIENT_MS);
      await client.connect();
      await client.query('create table written (number int primary key)');
      await client.end();
      interleaving.writer.start();
      return interleaving;
    } catch (error) {
      const story = agents.story();
      await agents.end();
      throw new Error(`${String(error)}\n${story}`, { cause: error });
    }
  }

  async end(): Promise<void> {
    await this.writer.stop();
    await this.agents.end();
  }

  /** Plays, then lets everything go on, and asserts what has to hold at the end of everything. */
  async play(name: string, course: (now: { leader: string; others: [string, string]; view: GroupView }) => Promise<void>): Promise<void> {
    const startedMs = Date.now();
    try {
      const leader = this.agents.leader() ?? '';
      const [first = '', second = ''] = NODES.filter((node) => node !== leader);
      const view = this.view(leader);
      await this.flows(LEADS_MS);
      this.writer.takeGapMs();
      await course({ leader, others: [first, second], view });
      this.agents.gates.clear();
      this.agents.cut.clear();
      const wholeMs = await this.agents.whole(WHOLE_MS);
      await this.flows(LEADS_MS);
      const after = this.view(this.agents.leader() ?? '');
      const words = `${view.leader?.node} -> ${after.leader?.node}, ${after.term - view.term} terms, ${after.epoch - view.epoch} epochs`;
      process.stderr.write(`interleaving: ${name}: longest gap ${this.writer.takeGapMs()} ms, ${words}, whole after ${wholeMs} ms\n`);
      await this.balance();
    } catch (error) {
      const decisions = this.agents.agents.map(({ groups }) => groups.decisions(GROUP, startedMs));
      throw new Error(`${name}: ${String(error)}\n${decisions.join('\n')}\n${this.agents.story()}`, { cause: error });
    }
  }

  /** Every acknowledged number is there, none that was never sent, and one server alone acknowledges a write. */
  async balance(): Promise<void> {
    const acknowledged = [...this.writer.acknowledged];
    const client = this.agents.client(this.agents.leader() ?? '', PATIENT_MS);
    await client.connect();
    const { rows } = await client.query<{ number: number }>('select number from written where number > 0');
    await client.end();
    const found = new Set(rows.map(({ number }) => number));
    expect(
      acknowledged.filter((number) => !found.has(number)),
      'acknowledged, and lost',
    ).toEqual([]);
    expect(
      [...found].filter((number) => number >= this.writer.next),
      'never sent',
    ).toEqual([]);
    const writable = await Promise.all(NODES.map((node) => this.writes(node, PATIENT_MS)));
    expect(NODES.filter((_, at) => writable[at])).toEqual([this.agents.leader()]);
  }

  /** Whether that server itself acknowledges a write of the application. */
  async writes(node: string, limitMs = 1_000): Promise<boolean> {
    const client = this.agents.client(node, limitMs);
    let warned = false;
    client.on('notice', () => {
      warned = true;
    });
    try {
      await client.connect();
      await client.query('create temp table mine (number int)');
      await client.query('insert into written select least(min(number), 0) - 1 from written');
      return !warned;
    } catch {
      return false;
    } finally {
      void client.end().catch(() => undefined);
    }
  }

  async flows(limitMs: number): Promise<void> {
    const count = this.writer.acknowledged.length;
    await eventually('writes are acknowledged', limitMs, () => this.writer.acknowledged.length > count + 10);
  }

  /** The newest term's leader is open and another than before. */
  async anotherLeads(before: GroupView): Promise<number> {
    return await eventually('another term is open', LEADS_MS, () => {
      const leader = this.agents.leader();
      const now = leader === null ? null : this.view(leader);
      return now !== null && now.term > before.term && now.proven && now.phase === 'open';
    });
  }

  /** Which of these came first; the others are held no more. */
  async first(gates: ReadonlyMap<string, Gate>): Promise<{ node: string; gate: Gate }> {
    let first: { node: string; gate: Gate } | null = null;
    await eventually('one comes to its gate', LEADS_MS, () => {
      for (const [node, gate] of gates) if (first === null && gate.isReached()) first = { node, gate };
      return first !== null;
    });
    for (const [node, gate] of gates) if (node !== (first as { node: string } | null)?.node) gate.open();
    return first as unknown as { node: string; gate: Gate };
  }

  holdSwaps(nodes: readonly string[], phase: GroupRecord['phase']): Map<string, Gate> {
    return new Map(nodes.map((node) => [node, this.agents.gates.holdSwap(this.host(node), phase)]));
  }

  holdCommands(nodes: readonly string[], kind: Parameters<FailoverAgents['gates']['holdCommand']>[1]): Map<string, Gate> {
    return new Map(nodes.map((node) => [node, this.agents.gates.holdCommand(this.host(node), kind)]));
  }

  /** The agent and its server die at one moment. */
  crash(node: string): void {
    const pid = this.agent(node).unit().pid;
    this.agent(node).close();
    if (pid !== null) process.kill(pid, 'SIGKILL');
  }

  revive(node: string): void {
    this.agent(node).start();
  }

  /** Every process of that server stands still until `thawServers`. */
  freezeServer(node: string): void {
    const pid = this.agents.postmaster(node);
    process.kill(pid, 'SIGSTOP');
    this.#frozen.push(pid);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    for (const child of children) if (child > 0 && signalIfThere(child, 'SIGSTOP')) this.#frozen.push(child);
  }

  thawServers(): void {
    for (const pid of this.#frozen.splice(0)) signalIfThere(pid, 'SIGCONT');
  }

  agent(node: string): TestAgent {
    return this.agents.agentOf(node);
  }

  host(node: string): string {
    return this.agent(node).host;
  }

  view(node: string): GroupView {
    const view = this.agent(node).groups.view(GROUP);
    if (view === null) throw new Error(`${node} has no view of the group`);
    return view;
  }

  /** What that member promised for good. */
  durable(node: string): { promise: number; taint: number } {
    return JSON.parse(readFileSync(join(this.#unitFolder(node), 'failover.json'), 'utf8')) as { promise: number; taint: number };
  }

  /** The file of `timeline` in its pg_wal. */
  historyFile(node: string, timeline: number): string {
    return join(this.#unitFolder(node), 'data', 'pg_wal', historyFileName(timeline));
  }

  serverLog(node: string): string {
    const { dataDir } = this.#context(node).paths;
    return readFileSync(join(dataDir, 'logs', `postgres-${GROUP}.log`), 'utf8');
  }

  #unitFolder(node: string): string {
    return join(this.#context(node).paths.dataDir, 'units', `postgres-${GROUP}`);
  }

  #context(node: string): UnitContext {
    return this.agents.cluster.context('postgres', NODES.indexOf(node as (typeof NODES)[number]));
  }

  async record(): Promise<{ record: GroupRecord; revision: number }> {
    const entry = await this.agents.etcd.store().get(this.recordPath());
    if (entry === null) throw new Error('there is no record');
    return { record: entry.value as GroupRecord, revision: entry.modRevision };
  }

  /** Another term was given out, and no epoch gave out two: one more suspicion has an epoch of its own. */
  async expectOneTermAnEpoch(before: GroupView): Promise<void> {
    const { term, epoch, timelines } = (await this.record()).record;
    expect(timelines.filter((timeline) => timeline.term === before.term + 1)).toHaveLength(1);
    expect(term - before.term).toBeLessThanOrEqual(epoch - before.epoch);
  }

  async writeRecord(record: GroupRecord): Promise<void> {
    const { revision } = await this.record();
    const { ok } = await this.agents.etcd.store().compareAndSwap(this.recordPath(), revision, record);
    if (!ok) throw new Error('somebody else wrote the record');
  }

  recordPath(): string {
    return clusterKeys(this.agents.cluster.spec.topology.name).postgresRecord(GROUP).path;
  }
}
