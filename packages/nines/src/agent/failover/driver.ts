/**
 * Drives one member: events in, one `step` at a time, commands out, then ticks until nothing is left to do. It decides nothing.
 * What has an answer (a command of PostgreSQL, a swap, a read) comes back as an event, never within the step that asked for it.
 */
import type { Command, Message, PostgresCommand } from '../../failover/commands.ts';
import type { Event, Facts, PostgresEvent, Request } from '../../failover/events.ts';
import { learn } from '../../failover/learn.ts';
import { ARITHMETIC } from '../../failover/quorum.ts';
import type { GroupRecord, NodeName, RecordView } from '../../failover/record.ts';
import { RULES } from '../../failover/rules/table.ts';
import type { NodeState } from '../../failover/state.ts';
import { type Step, step } from '../../failover/step.ts';
import { heldWords } from '../../failover/words.ts';
import { messageOf } from '../message-of.ts';
import type { SwapOutcome } from './record-link.ts';
import type { SerialExecutor } from './serial-executor.ts';

/** More than any chain of rules is long; a longer one would be two rules that undo each other. */
const MOST_TICKS = 32;

export interface Decision {
  before: NodeState;
  event: Event;
  step: Step;
}

export interface DriverOptions {
  executor: Pick<SerialExecutor, 'run' | 'abandon' | 'running'>;
  link: { read(): void; swap(revision: number, record: GroupRecord): Promise<SwapOutcome> };
  /** To another agent; best effort. */
  send(to: NodeName, message: Message): void;
  /** A record that this node wrote. */
  announce(view: RecordView): void;
  facts(state: NodeState): Facts;
  /** Whether a postmaster runs. */
  isRunning(): boolean;
  /** Every decision, of ticks too. */
  decided(decision: Decision): void;
  /** The state is another one than before the last event. */
  changed(before: NodeState, state: NodeState): void;
  log(message: string): void;
  signal: AbortSignal;
}

export interface RequestAnswer {
  accepted: boolean;
  /** Of the rule that carries it out, or what stood against it. */
  reason: string;
}

/** The rule that carries out a request, by its kind. */
const RULE_OF: Record<Request['kind'], string> = {
  retarget: 'retarget',
  change: 'begin-change',
  reverse: 'reverse-change',
  switchover: 'shut-down',
  force: 'obey',
  reinit: 'obey',
};

export function ruleName(number: number): string {
  return RULES.find((rule) => rule.number === number)?.name ?? 'unknown';
}

function answerOf(rule: string, { rule: number, reason, held }: Step): RequestAnswer {
  if (ruleName(number) === rule) return { accepted: true, reason };
  const wall = held.find((each) => each.startsWith(`${rule}/`)) ?? held[0];
  return { accepted: false, reason: wall === undefined ? `something else comes first: ${reason}` : heldWords(wall) };
}

export class Driver {
  readonly #options: DriverOptions;
  readonly #queue: Event[] = [];
  #state: NodeState;
  #isStepping = false;
  #last: Step | null = null;

  constructor(state: NodeState, options: DriverOptions) {
    this.#state = state;
    this.#options = options;
  }

  get state(): NodeState {
    return this.#state;
  }

  /** The newest decision; what it held back is what the member waits for. */
  get last(): Step | null {
    return this.#last;
  }

  /** Something is under way: the next tick should come soon. */
  get isBusy(): boolean {
    const { acting, swapping, view, asked, suspected } = this.#state;
    return acting !== null || swapping || view === null || view.record.phase !== 'open' || asked !== null || suspected;
  }

  push(event: Event): void {
    this.#queue.push(event);
    this.#drain();
  }

  tick(): void {
    this.#drain();
    if (!this.#isStepping) this.#settle();
  }

  /** Accepted: its own rule has decided. Otherwise nothing came of it, and the answer names the wall that stood or the rule that came first. */
  request(request: Request): RequestAnswer {
    // An operator's order is tried for a second: the agent may have ended meanwhile.
    if (this.#options.signal.aborted) return { accepted: false, reason: 'the agent of this member ends' };
    this.#drain();
    const decided = this.#decide({ kind: 'request', request });
    this.#settle();
    return answerOf(RULE_OF[request.kind], decided);
  }

  #drain(): void {
    if (this.#isStepping || this.#options.signal.aborted) return;
    for (;;) {
      const event = this.#queue.shift();
      if (event === undefined) return;
      this.#decide(event);
      this.#settle();
    }
  }

  /** A tick that changes nothing would only say the same again. */
  #settle(): void {
    if (this.#options.signal.aborted) return;
    for (let ticks = 0; ticks < MOST_TICKS; ticks += 1) {
      const before = this.#state;
      const decided = this.#decide({ kind: 'tick', facts: this.#options.facts(before) });
      if (decided.state === before || decided.rule === RULES.at(-1)?.number) return;
    }
    this.#options.log(`${MOST_TICKS} ticks in a row changed something: ${this.#last?.reason ?? ''}`);
  }

  #decide(event: Event): Step {
    const before = this.#state;
    this.#isStepping = true;
    try {
      const decided = step(before, event);
      this.#state = decided.state;
      this.#last = decided;
      this.#options.decided({ before, event, step: decided });
      for (const command of decided.commands) this.#carryOut(command);
      if (decided.state !== before) this.#stateChanged(before);
      return decided;
    } finally {
      this.#isStepping = false;
    }
  }

  #stateChanged(before: NodeState): void {
    const { view } = this.#state;
    const { executor, changed } = this.#options;
    const running = executor.running;
    if (running?.kind === 'rebuild') {
      const isOther = view !== null && (view.record.leader !== running.leader || view.record.term !== running.term);
      if (isOther) executor.abandon('another leader or term is recorded');
      // A copy of a leader that is frozen never ends, and its successor may need the log that is still there.
      else if (this.#state.asked !== null) executor.abandon('a candidate asks for a promise, with the log that is still there');
    }
    changed(before, this.#state);
  }

  #carryOut(command: Command): void {
    if (command.kind === 'read') this.#options.link.read();
    else if (command.kind === 'swap') void this.#swap(command.revision, command.record);
    else if (command.kind === 'send') this.#send(command.to, command.message);
    else void this.#execute(command);
  }

  #send(to: NodeName, message: Message): void {
    if (to !== this.#state.me) return this.#options.send(to, message);
    // Never dropped: a candidate's own promise counts.
    queueMicrotask(() => this.push({ kind: 'message', message }));
  }

  async #swap(revision: number, record: GroupRecord): Promise<void> {
    const swapped = await this.#options.link.swap(revision, record);
    if (swapped.outcome !== 'done') {
      this.push({ kind: 'swapped', outcome: swapped.outcome });
      if (swapped.outcome === 'refused' && swapped.current !== null) this.push({ kind: 'read', view: swapped.current });
      return;
    }
    this.#options.announce(swapped.view);
    this.push({ kind: 'swapped', outcome: 'done', view: swapped.view });
  }

  /** The server may be gone since: what was made durable stays, what ran does not. */
  #asItIs(event: PostgresEvent): PostgresEvent {
    if (this.#options.isRunning() || event.kind === 'wasShutDown') return event;
    const { promise, taint } = learn(ARITHMETIC, this.#state, event);
    return { kind: 'failed', postgres: { mode: 'down' }, promise, taint };
  }

  async #execute(command: PostgresCommand): Promise<void> {
    const { executor, signal, log } = this.#options;
    try {
      const event = await executor.run(command);
      this.push(this.#asItIs(event));
    } catch (error) {
      if (!signal.aborted) log(`${command.kind} has no answer: ${messageOf(error)}`);
    }
  }
}
