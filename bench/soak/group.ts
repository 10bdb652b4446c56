/** The PostgreSQL group of a lab, as a trial sees it from outside: its agents' views, its hosts, its processes. */
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { GroupView } from '../../packages/nines/src/failover/group-view.ts';
import { hostProcesses, type Lab } from '../../packages/nines/src/lab/index.ts';
import type { HostProcess } from '../../packages/nines/src/lab/processes.ts';
import { type Agents, agentsOf } from '../failover/nines/agents.ts';
import { nines } from '../failover/nines/nines.ts';
import type { DatabaseAccess, RunningSystem } from '../failover/system.ts';
import { askServer, type ServerAnswer } from './server-question.ts';

const GROUP = 'main';
const POLL_MS = 50;

export interface Leadership {
  host: string;
  term: number;
  epoch: number;
}

export class LabGroup {
  readonly running: RunningSystem;
  readonly #agents: Agents;
  #questions = 0;

  private constructor(running: RunningSystem, agents: Agents) {
    this.running = running;
    this.#agents = agents;
  }

  /** A lab of its own, whole; the gateway's address is not at the primary's host. */
  static async start(labName: string, signal: AbortSignal): Promise<LabGroup> {
    const running = await nines.start({ labName, gateway: 'off', signal });
    try {
      return new LabGroup(running, await agentsOf(running.lab));
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  get lab(): Lab {
    return this.running.lab;
  }

  get access(): DatabaseAccess {
    return this.running.access;
  }

  get hosts(): string[] {
    return Object.keys(this.lab.hosts);
  }

  /** By host, of the agents that answer. */
  async views(signal: AbortSignal): Promise<Map<string, GroupView>> {
    const asked = await Promise.allSettled(this.hosts.map((host) => this.#agents.view(this.#addressOf(host), GROUP, signal)));
    const answered = asked.map((one) => (one.status === 'fulfilled' ? one.value : null));
    return new Map(this.hosts.flatMap((host, at) => (answered[at] ? [[host, answered[at]]] : [])));
  }

  /** By the newest term that any agent knows a leader of; null: none does. */
  async leadership(signal: AbortSignal): Promise<Leadership | null> {
    const views = [...(await this.views(signal)).values()].filter(({ leader }) => leader !== null);
    const newest = views.toSorted((left, right) => right.term - left.term || right.epoch - left.epoch)[0];
    return newest?.leader ? { host: newest.leader.host, term: newest.leader.term, epoch: newest.epoch } : null;
  }

  /** Waits until one leads with proof. @throws after `limitMs` */
  async leads(signal: AbortSignal, limitMs: number, fits: (now: Leadership) => boolean = () => true): Promise<Leadership> {
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      const now = await this.leadership(signal);
      if (now !== null && fits(now)) return now;
      if (performance.now() > deadlineMs) throw new Error(`no such leader within ${limitMs} ms; now: ${JSON.stringify(now)}`);
      await delay(POLL_MS, undefined, { signal });
    }
  }

  /** Waits until one leads and two standbys count. @returns milliseconds that took; null: not within the limit */
  async whole(limitMs: number, signal: AbortSignal): Promise<number | null> {
    const startedMs = performance.now();
    while (performance.now() - startedMs < limitMs) {
      if ((await this.running.missing(signal)) === null) return Math.round(performance.now() - startedMs);
      await delay(POLL_MS, undefined, { signal });
    }
    return null;
  }

  /** Asks the leader's agent to hand over. @throws with its reason when it does not accept */
  async switchover(to: string | null, signal: AbortSignal): Promise<void> {
    const { host } = await this.leads(signal, 5_000);
    await this.#agents.switchover(this.#addressOf(host), GROUP, to, signal);
  }

  /** What each server itself says to an application on its own host. */
  async ask(host: string, signal: AbortSignal): Promise<ServerAnswer> {
    this.#questions += 1;
    return await askServer(this.lab, host, this.access, -this.#questions, signal);
  }

  /** Hosts whose server acknowledges a write of the application. */
  async writable(signal: AbortSignal): Promise<string[]> {
    const answers = await Promise.all(this.hosts.map((host) => this.ask(host, signal)));
    return this.hosts.filter((_, at) => answers[at]?.writes === true);
  }

  /** Every process of that host's PostgreSQL, the postmaster first. */
  async postgres(host: string): Promise<HostProcess[]> {
    const all = await hostProcesses(this.lab, host);
    const postmaster = all.find(({ argv }) => basename(argv[0] ?? '') === 'postgres' && argv.includes('-D'));
    if (postmaster === undefined) throw new Error(`no postmaster runs on ${host}`);
    return [postmaster, ...all.filter(({ parentPid }) => parentPid === postmaster.pid)];
  }

  /** The one process of that program on that host. */
  async process(host: string, program: 'etcd' | 'haproxy' | 'agent'): Promise<HostProcess> {
    const isIt = ({ argv }: HostProcess): boolean =>
      program === 'agent'
        ? // The host's first process names it too.
          basename(argv[0] ?? '') === 'node' && argv.some((word) => word.endsWith('/agent/main.ts'))
        : basename(argv[0] ?? '') === program;
    const found = (await hostProcesses(this.lab, host)).find(isIt);
    if (found === undefined) throw new Error(`${program} does not run on ${host}`);
    return found;
  }

  /** One line for each decision of all agents since then (milliseconds since 1970), oldest first. */
  async decisions(sinceMs: number, signal: AbortSignal): Promise<string[]> {
    const milestones = await this.running.milestones(sinceMs, signal);
    const sorted = milestones.toSorted((left, right) => left.atMs - right.atMs);
    return sorted.map(
      ({ atMs, host, name, event, reason, commands }) =>
        `${new Date(atMs).toISOString().slice(11, 23)} ${host} ${event} -> ${name}${commands.length > 0 ? ` [${commands.join(' ')}]` : ''}: ${reason}`,
    );
  }

  async stop(): Promise<void> {
    this.#agents.close();
    await this.running.stop();
  }

  #addressOf(host: string): string {
    return this.lab.hosts[host]?.address ?? '';
  }
}
