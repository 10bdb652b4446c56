import { describe, expect, it } from 'vitest';
import type { PostgresCommand } from '../../failover/commands.ts';
import type { PostgresEvent } from '../../failover/events.ts';
import { ARITHMETIC } from '../../failover/quorum.ts';
import type { GroupRecord, RecordView } from '../../failover/record.ts';
import { bootState, type NodeState, type Postgres } from '../../failover/state.ts';
import { epochOpened, firstRecord, ledBy } from '../../failover/transitions.ts';
import { Driver } from './driver.ts';
import type { SwapOutcome } from './record-link.ts';

const SET = { acks: 1, voters: ['n2', 'n3'] };
const LOG = { term: 1, lsn: 10 };
const OPEN = firstRecord('s', 'n1', SET, LOG);
const ELECTING = epochOpened(OPEN, 'n2');
const FACTS = { suspected: false, overdue: false, consent: false };
const view = (record: GroupRecord, revision = 5): RecordView => ({ revision, record });

/** Everything around a driver, answered by hand. */
class Stage {
  readonly commands: PostgresCommand[] = [];
  readonly sent: string[] = [];
  readonly swaps: { revision: number; record: GroupRecord; answer(outcome: SwapOutcome): void }[] = [];
  readonly announced: RecordView[] = [];
  reads = 0;
  abandoned: string[] = [];
  isRunning = true;
  facts = FACTS;
  readonly ending = new AbortController();
  running: PostgresCommand | null = null;
  readonly driver: Driver;
  #answer: (event: PostgresEvent) => void = () => undefined;

  constructor(state: NodeState) {
    const running = (): PostgresCommand | null => this.running;
    this.driver = new Driver(state, {
      executor: {
        get running() {
          return running();
        },
        run: async (command) => {
          if (this.running !== null) throw new Error('two at a time');
          this.running = command;
          this.commands.push(command);
          const event = await new Promise<PostgresEvent>((resolve) => {
            this.#answer = resolve;
          });
          this.running = null;
          return event;
        },
        abandon: (reason) => void this.abandoned.push(reason),
      },
      link: {
        read: () => void (this.reads += 1),
        swap: async (revision, record) => await new Promise<SwapOutcome>((answer) => void this.swaps.push({ revision, record, answer })),
      },
      send: (to, message) => void this.sent.push(`${message.kind} ${message.epoch} to ${to}`),
      announce: (written) => void this.announced.push(written),
      facts: () => this.facts,
      isRunning: () => this.isRunning,
      decided: () => undefined,
      changed: () => undefined,
      log: () => undefined,
      signal: this.ending.signal,
    });
  }

  /** The present command's answer, and all that follows from it at once. */
  async answer(event: PostgresEvent): Promise<void> {
    this.#answer(event);
    await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const node = (me: string, postgres: Postgres, more: Partial<NodeState> = {}): NodeState => ({
  ...bootState(me, 's', { promise: 0, taint: 0, postgres }),
  ...more,
});

describe('Driver', () => {
  it('has one command of PostgreSQL at a time, and orders the next when it is answered', async () => {
    const stage = new Stage(node('n3', { mode: 'down' }, { view: view(OPEN) }));
    stage.isRunning = false;
    stage.driver.tick();
    stage.driver.push({ kind: 'message', message: { kind: 'ask', epoch: 2, from: 'n2' } });
    expect(stage.commands.map(({ kind }) => kind)).toEqual(['start']);
    stage.isRunning = true;
    await stage.answer({ kind: 'started' });
    expect(stage.commands.map(({ kind }) => kind)).toEqual(['start', 'fence']);
    await stage.answer({ kind: 'fenced', promise: 2, log: LOG });
    expect(stage.sent).toEqual(['promise 2 to n2']);
  });

  it('delivers its own ask and its own promise to itself', async () => {
    const resting: Postgres = { mode: 'standby', following: null, log: LOG };
    const stage = new Stage(node('n2', resting, { view: view(ELECTING), promise: 2 }));
    stage.driver.tick();
    expect(stage.sent).toContain('ask 2 to n3');
    await turn();
    await turn();
    // Its own promise alone does not fence a set of two with one ack.
    expect(stage.driver.state.ballot?.reports.map((report) => report.node)).toEqual(['n2']);
    stage.driver.push({ kind: 'message', message: { kind: 'promise', epoch: 2, from: 'n3', systemId: 's', log: LOG } });
    expect(stage.swaps[0]).toMatchObject({ revision: 5, record: { phase: 'promoting', leader: 'n2', term: 2 } });
  });

  it('tells everybody a record only when it is written, and reads again when it may be', async () => {
    const resting: Postgres = { mode: 'standby', following: null, log: LOG };
    const stage = new Stage(node('n1', resting, { view: view(OPEN) }));
    stage.driver.tick();
    expect(stage.swaps).toHaveLength(1);
    stage.swaps[0]?.answer({ outcome: 'unknown' });
    await turn();
    expect(stage.announced).toEqual([]);
    expect(stage.driver.state).toMatchObject({ view: null, swapping: false });
    expect(stage.reads).toBeGreaterThan(0);
    stage.driver.push({ kind: 'read', view: view(OPEN, 6) });
    expect(stage.swaps).toHaveLength(2);
    const written = view(stage.swaps[1]?.record ?? OPEN, 7);
    stage.swaps[1]?.answer({ outcome: 'done', view: written });
    await turn();
    expect(stage.announced).toEqual([written]);
    expect(stage.commands.map(({ kind }) => kind)).toEqual(['promote']);
  });

  it('goes on from what stands there when a swap is refused', async () => {
    const resting: Postgres = { mode: 'standby', following: null, log: LOG };
    const stage = new Stage(node('n1', resting, { view: view(OPEN) }));
    stage.driver.tick();
    stage.swaps[0]?.answer({ outcome: 'refused', current: view(ELECTING, 9) });
    await turn();
    expect(stage.driver.state.view?.revision).toBe(9);
  });

  it('finds the server gone although the answer of a command says that it runs', async () => {
    const promoting = ledBy(ARITHMETIC, ELECTING, { node: 'n2', log: LOG });
    const stage = new Stage(node('n2', { mode: 'standby', following: null, log: LOG }, { view: view(promoting) }));
    stage.driver.tick();
    expect(stage.commands.map(({ kind }) => kind)).toEqual(['promote']);
    stage.isRunning = false;
    stage.driver.push({ kind: 'exited' });
    await stage.answer({ kind: 'promoted', term: 2, setting: SET });
    expect(stage.driver.state.postgres.mode).toBe('down');
    expect(stage.commands.map(({ kind }) => kind)).toEqual(['promote', 'start']);
  });

  it('abandons a copy of a leader that leads no more', async () => {
    const other: Postgres = { mode: 'standby', following: null, log: { term: 1, lsn: 99 } };
    const promoting = ledBy(ARITHMETIC, ELECTING, { node: 'n2', log: LOG });
    const stage = new Stage(node('n1', other, { view: view(promoting) }));
    stage.driver.tick();
    expect(stage.commands.map(({ kind }) => kind)).toEqual(['rebuild']);
    stage.driver.push({
      kind: 'read',
      view: view({ ...promoting, phase: 'open', guards: [{ acks: 1, voters: ['n3'] }], target: null }, 6),
    });
    expect(stage.abandoned).toEqual([]);
    const next = ledBy(ARITHMETIC, epochOpened(promoting, 'n3'), { node: 'n3', log: LOG });
    stage.driver.push({ kind: 'read', view: view(next, 7) });
    expect(stage.abandoned).toHaveLength(1);
  });

  it('abandons a copy when a candidate needs the promise, and promises with the log that is still there', async () => {
    const other: Postgres = { mode: 'standby', following: null, log: { term: 1, lsn: 99 } };
    const promoting = ledBy(ARITHMETIC, ELECTING, { node: 'n2', log: LOG });
    const stage = new Stage(node('n1', other, { view: view(promoting) }));
    stage.driver.tick();
    expect(stage.commands.map(({ kind }) => kind)).toEqual(['rebuild']);
    stage.driver.push({ kind: 'message', message: { kind: 'ask', epoch: 3, from: 'n3' } });
    expect(stage.abandoned).toHaveLength(1);
    await stage.answer({ kind: 'failed', postgres: other, promise: 2, taint: 0 });
    expect(stage.commands.at(-1)).toEqual({ kind: 'fence', epoch: 3 });
    await stage.answer({ kind: 'fenced', promise: 3, log: { term: 1, lsn: 99 } });
    expect(stage.sent).toEqual(['promise 3 to n3']);
  });

  it('orders nothing when the agent has ended, whoever still asks', () => {
    const primary: Postgres = { mode: 'primary', term: 1, setting: SET, proven: true, admitting: true };
    const stage = new Stage(node('n1', primary, { view: view(OPEN) }));
    stage.ending.abort();
    expect(stage.driver.request({ kind: 'switchover', to: 'n2' })).toMatchObject({ accepted: false });
    expect(stage.driver.request({ kind: 'change', set: { acks: 1, voters: ['n2'] } })).toMatchObject({ accepted: false });
    expect([stage.commands, stage.swaps]).toEqual([[], []]);
  });

  it('says of a request which wall stood, and changes nothing', () => {
    const primary: Postgres = { mode: 'primary', term: 1, setting: SET, proven: true, admitting: true };
    const stage = new Stage(node('n1', primary, { view: view(OPEN) }));
    const answer = stage.driver.request({ kind: 'switchover', to: 'n9' });
    expect(answer).toMatchObject({ accepted: false, reason: expect.stringContaining('no voter') });
    expect(stage.commands).toEqual([]);
    expect(stage.driver.request({ kind: 'switchover', to: 'n2' })).toMatchObject({ accepted: true });
    expect(stage.commands).toEqual([{ kind: 'shutDown', to: 'n2' }]);
    expect(stage.driver.request({ kind: 'switchover', to: 'n2' })).toMatchObject({
      accepted: false,
      reason: expect.stringContaining('not been answered'),
    });
  });
});
