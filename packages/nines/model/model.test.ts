/** The bounded part of the exploration; `npm run model` does all of it. Bounds are states, not seconds: a busy machine sees as much. */
import { describe, expect, it } from 'vitest';
import { COMMAND_DUTIES } from '../src/failover/commands.ts';
import { RULES } from '../src/failover/rules/table.ts';
import { explore } from './explore.ts';
import { judge, type Mutant, MUTANTS } from './mutants.ts';
import { UNCHANGED } from './unchanged.ts';
import { EVERY_SCOPE } from './scopes.ts';
import { SITUATIONS } from './situations.ts';
import { CAUGHT_IN, LIVES_BECAUSE, STUCK_IN } from './verdicts.ts';
import { makeModel, type Scope, type World } from './world.ts';

const TIMEOUT_MS = 240_000;
const MOST_STATES = 1_000_000;

const scopeNamed = (name: string): Scope => EVERY_SCOPE.find((each) => each.name === name) as Scope;

/** Each completes within a few seconds; `npm run model` says which rules are used by all. */
const QUICK = [
  'election',
  'loss',
  'retarget',
  'exit',
  'switchover',
  'change-restart',
  'reversed-twice',
  'retargeted-twice',
  'old-reports',
  'reinit',
  'force-lone',
];

/** Where these mutants are caught takes seconds each. */
const SLOW = new Set([
  'two-elections',
  'mixed-setting',
  'change',
  'change-elections',
  'long-tail',
  'lone',
  'second',
  'second-exit',
  'second-restart',
]);

describe('the failover core, in every order of events', () => {
  it.each(QUICK)(
    'keeps its promises in scope %s',
    (name) => {
      const seen = explore(makeModel({ scope: scopeNamed(name), ...UNCHANGED, watch: () => {} }), {
        states: MOST_STATES,
        isOver: () => false,
      });
      expect(seen.violation).toBeNull();
      expect(seen.isComplete).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    'loses acknowledged writes by an operator’s order alone',
    () => {
      for (const name of ['force', 'force-lone']) {
        const scope = { ...scopeNamed(name), allowsLoss: false };
        const bounds = { states: MOST_STATES, isOver: () => false };
        const explored = (each: Scope) => explore(makeModel({ scope: each, ...UNCHANGED, watch: () => {} }), bounds);
        const { violation } = explored(scope);
        expect(violation?.promise).toMatch(/^acknowledged write .* is not in the log of leader/);
        expect(violation?.trace.some((label) => label.endsWith('is asked to lead by force'))).toBe(true);
        const unasked = { ...scope, epochs: 2, requests: [] };
        expect(explored(unasked)).toMatchObject({ violation: null, isComplete: true });
      }
    },
    TIMEOUT_MS,
  );

  it(
    'reaches the states that matter',
    () => {
      const rules = new Set<string>();
      const commands = new Set<string>();
      const sometimes = new Set<string>();
      for (const name of ['exit', 'change-restart', 'switchover']) {
        const watch = ({ rule, commands: wanted, held }: ReturnType<typeof UNCHANGED.step>): void => {
          rules.add(RULES.find(({ number }) => number === rule)?.name ?? '');
          for (const { kind } of wanted) commands.add(kind);
          for (const wall of held) sometimes.add(wall);
        };
        const visit = (world: World): void => {
          for (const what of happenings(world)) sometimes.add(what);
        };
        explore(makeModel({ scope: scopeNamed(name), ...UNCHANGED, watch }), { states: MOST_STATES, isOver: () => false, visit });
      }
      for (const expected of [
        'a deposed leader has a tail',
        'acknowledged under the old leader, open under the new',
        'two primaries run',
      ]) {
        expect(sometimes).toContain(expected);
      }
      for (const wall of ['take/fencedEveryGuard', 'promote/atFork', 'open/proven', 'follow/decided', 'admit/anchored'])
        expect(sometimes).toContain(wall);
      for (const rule of ['take', 'retake', 'promote', 'open', 'admit', 'hand-over', 'reverse-change', 'end-change'])
        expect(rules).toContain(rule);
      const unseen = Object.keys(COMMAND_DUTIES).filter((kind) => !commands.has(kind));
      expect(unseen).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

function happenings({ hosts, etcd, acked }: World): string[] {
  const { record } = etcd;
  const found: string[] = [];
  const deposed = hosts.filter(({ core, disk }) => core.me !== record.leader && disk.log.term === 1 && record.term > 1);
  const fork = record.timelines.at(-1)?.fork ?? 0;
  if (deposed.some(({ disk }) => disk.log.lsn > fork)) found.push('a deposed leader has a tail');
  if (record.phase === 'open' && record.term > 1 && acked.some(({ term }) => term === 1)) {
    found.push('acknowledged under the old leader, open under the new');
  }
  if (hosts.filter(({ server }) => server.mode === 'primary').length > 1) found.push('two primaries run');
  return found;
}

describe('mutants', () => {
  it('have one verdict each, and no verdict is about a wall that is gone', () => {
    const names = MUTANTS.map(({ name }) => name);
    const judged = [CAUGHT_IN, STUCK_IN, SITUATIONS, LIVES_BECAUSE].flatMap((verdicts) => Object.keys(verdicts));
    expect(judged.toSorted()).toEqual(names.toSorted());
    expect(MUTANTS.filter(({ name, verdict }) => verdict?.by === 'nobody' && !name.startsWith('duty/'))).toEqual([]);
  });

  it.each(MUTANTS.filter(isQuick).map((mutant) => [mutant.name, mutant] as const))(
    '%s is caught',
    (_, mutant) => expect(judge(mutant)).toMatchObject({ isExpected: true }),
    TIMEOUT_MS,
  );
});

function isQuick({ verdict }: Mutant): boolean {
  return verdict !== null && verdict.by !== 'nobody' && !(verdict.by === 'exploration' && SLOW.has(verdict.scope));
}
