/** How a rule is written, and what its conditions may look at. */
import type { Command } from '../commands.ts';
import type { Event } from '../events.ts';
import type { LogEnd } from '../log.ts';
import type { Arithmetic } from '../quorum.ts';
import type { GroupRecord, Phase, RecordView } from '../record.ts';
import type { NodeState, Postgres } from '../state.ts';

export interface Sight {
  state: NodeState;
  event: Event;
  view: RecordView;
  record: GroupRecord;
  arithmetic: Arithmetic;
}

/** Before the record was read. */
export interface Blind {
  state: NodeState;
  event: Event;
  arithmetic: Arithmetic;
}

interface RuleOf<Context> {
  number: number;
  name: string;
  /** Free only when the executor (`postgres`) or the store has no command of this node without an answer. */
  uses: 'postgres' | 'store' | null;
  /** The situation that the rule is about. */
  when: (context: Context) => boolean;
  /** What keeps it from doing harm. A rule whose situation is there but whose wall stands is passed over, and says so. */
  walls: Readonly<Record<string, (context: Context) => boolean>>;
  act: (context: Context) => { commands: Command[]; state?: NodeState };
  /** Why, in one sentence. */
  says: string;
}

export type BlindRule = RuleOf<Blind> & { phases: 'all' };
export type SightedRule = RuleOf<Sight> & { phases: readonly Phase[] };
export type Rule = BlindRule | SightedRule;

export const EVERY_PHASE: readonly Phase[] = ['open', 'electing', 'promoting'];

export type Primary = Extract<Postgres, { mode: 'primary' }>;

export function leads({ state, record }: Sight): boolean {
  return record.leader === state.me;
}

/** My PostgreSQL as the primary of the recorded term; null when it is anything else. */
export function ownPrimary({ state, record }: Sight): Primary | null {
  const { postgres } = state;
  return record.leader === state.me && postgres.mode === 'primary' && postgres.term === record.term ? postgres : null;
}

export function isStandby({ state }: Pick<Blind, 'state'>): boolean {
  return state.postgres.mode === 'standby';
}

/** No more than the record gave out. A log of a later term outlived an etcd that was set back: a new term behind it would be none. */
export function isKnownTerm({ record }: Sight, log: LogEnd | null): boolean {
  return log !== null && log.term <= record.term;
}

/** The leader has not anchored yet, so nothing of its term was acknowledged. */
export function isUnanchored({ record }: Sight): boolean {
  return record.phase === 'promoting' || record.interrupted === 'promoting';
}

/** No command on its way changes PostgreSQL. A proof only waits; were it waited for, a setting that nobody can prove could never be changed. */
export function settled({ state }: Pick<Blind, 'state'>): boolean {
  return state.acting === null || state.acting === 'prove';
}

export function swap({ view }: Sight, record: GroupRecord): { commands: Command[] } {
  return { commands: [{ kind: 'swap', revision: view.revision, record }] };
}
