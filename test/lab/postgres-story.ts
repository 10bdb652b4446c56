/** A group driven by hand through its PostgresControls, with the record's part played by a list of timelines. */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import pg from 'pg';
import type { PostgresCommand } from '../../packages/nines/src/failover/commands.ts';
import type { PostgresEvent } from '../../packages/nines/src/failover/events.ts';
import type { LogEnd, Timeline } from '../../packages/nines/src/failover/log.ts';
import { LONE, type VoterSet } from '../../packages/nines/src/failover/record.ts';
import type { PostgresControl } from '../../packages/nines/src/engines/postgres/control.ts';
import { createPostgresControl } from '../../packages/nines/src/engines/postgres/member-control.ts';
import { postgresMembers, tailOf, type TestMember, type TestMembers } from './postgres-members.ts';

/** The command itself gives up after a second. */
const PROVE_LIMIT_MS = 20_000;

export type Answer<Kind extends PostgresEvent['kind']> = Extract<PostgresEvent, { kind: Kind }>;

export interface StoryMember {
  m: TestMember;
  node: string;
  control: PostgresControl;
}

export class Story {
  readonly stage: TestMembers;
  readonly members: [StoryMember, StoryMember, StoryMember];
  readonly timelines: Timeline[] = [];
  readonly #clients: pg.Client[] = [];
  readonly #name: string;

  private constructor(name: string, stage: TestMembers) {
    this.#name = name;
    this.stage = stage;
    this.members = stage.members.map((m) => ({
      m,
      node: m.member.replicaName,
      control: createPostgresControl({ context: m.context, server: m.server, io: m.io }),
    })) as Story['members'];
  }

  static async begin(name: string, network: string): Promise<Story> {
    return new Story(name, await postgresMembers(network));
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end().catch(() => undefined)));
    for (const { control } of this.members) control.close();
    await this.stage.end();
  }

  get term(): number {
    return this.timelines.at(-1)!.term;
  }

  /** The answer, or a failure with what the member and its server said. A proof is asked for again, as the core does. */
  async order<Kind extends PostgresEvent['kind']>(who: StoryMember, command: PostgresCommand, wanted: Kind): Promise<Answer<Kind>> {
    const startedAt = performance.now();
    let event = await who.control.execute(command, AbortSignal.timeout(60_000));
    while (command.kind === 'prove' && event.kind === 'failed' && performance.now() - startedAt < PROVE_LIMIT_MS) {
      event = await who.control.execute(command, AbortSignal.timeout(60_000));
    }
    process.stderr.write(`${this.#name}: ${who.node} ${command.kind} ${Math.round((performance.now() - startedAt) * 10) / 10} ms\n`);
    if (event.kind === wanted) return event as Answer<Kind>;
    throw new Error(`${command.kind} was answered ${JSON.stringify(event)}\n${who.m.said.slice(-5).join('\n')}\n${tailOf(who.m)}`);
  }

  /** The next term is `who`'s, from where its log ends. */
  takeTerm(who: StoryMember, log: LogEnd): void {
    this.timelines.push({ term: this.term + 1, node: who.node, parent: log.term, fork: log.lsn });
  }

  async promote(who: StoryMember, setting: VoterSet): Promise<void> {
    await this.order(who, { kind: 'promote', term: this.term, timelines: this.timelines, setting }, 'promoted');
  }

  async rest(who: StoryMember, epoch: number): Promise<LogEnd> {
    const { log } = await this.order(who, { kind: 'fence', epoch }, 'fenced');
    if (log === null) throw new Error(`${who.node} is not sure where its log ends: ${who.m.said.at(-1)}`);
    return log;
  }

  follow(who: StoryMember, leader: StoryMember): Promise<Answer<'followed'>> {
    return this.order(
      who,
      { kind: 'follow', leader: leader.node, term: this.term, timelines: [...this.timelines], counted: true },
      'followed',
    );
  }

  /** initdb on the first, which leads alone and admits; the others are copies of it that follow. */
  async found(): Promise<void> {
    const [first, ...others] = this.members;
    const { end } = await first.control.initialise(AbortSignal.timeout(60_000));
    this.timelines.push({ term: end.term, node: first.node, parent: 0, fork: 0 });
    await this.order(first, { kind: 'start' }, 'started');
    this.takeTerm(first, await this.rest(first, 1));
    await this.promote(first, LONE);
    await this.order(first, { kind: 'prove', setting: LONE }, 'proved');
    await this.order(first, { kind: 'admit' }, 'admitted');
    await this.order(first, { kind: 'clearTaint' }, 'taintCleared');
    for (const other of others) {
      await other.control.clone(first.node, AbortSignal.timeout(60_000));
      await this.order(other, { kind: 'start' }, 'started');
      await this.follow(other, first);
    }
  }

  async setting(who: StoryMember, setting: VoterSet): Promise<void> {
    await this.order(who, { kind: 'reload', setting }, 'reloaded');
    await this.order(who, { kind: 'prove', setting }, 'proved');
  }

  /** As a service would connect. */
  async application({ m }: StoryMember, wishes: ClientWishes = {}): Promise<pg.Client> {
    const { user = 'app', database = 'orders', plain = false, from } = wishes;
    const { address: host, port } = m.member;
    const client = new pg.Client({
      host,
      port,
      user,
      database,
      password: this.stage.cluster.secrets.postgres[`main/${user}`] ?? '',
      connectionTimeoutMillis: 3_000,
      ssl: plain ? false : { ca: readFileSync(m.context.certificate('postgres').caFile, 'utf8'), host },
      ...(from === undefined ? {} : { stream: () => socketFrom(from) }),
    });
    client.on('error', () => undefined);
    this.#clients.push(client);
    await client.connect();
    return client;
  }
}

export interface ClientWishes {
  user?: string;
  database?: string;
  /** Without TLS. */
  plain?: boolean;
  /** Its own address. */
  from?: string;
}

/** A socket that connects from that address, wherever the client library tells it to go. */
function socketFrom(localAddress: string): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  socket.connect = ((port: number, host: string) => connect({ port, host, localAddress })) as typeof socket.connect;
  return socket;
}

export const anyOf = (acks: number, ...members: StoryMember[]): VoterSet => ({ acks, voters: members.map(({ node }) => node).sort() });
