import { expect, it } from 'vitest';
import type { GroupView } from '../failover/group-view.ts';
import type { MemberHealth } from './failover/groups.ts';
import type { HostState } from './host-state.ts';
import { renderFamilies } from './metric-lines.ts';
import { postgresFamilies } from './postgres-metrics.ts';

const state = { host: 'b1', zone: 'b' } as HostState;
const view = { term: 4, epoch: 7, phase: 'open', lone: true, paused: false } as GroupView;
const health = { admitting: true, proven: true, streaming: false, counted: false, lagBytes: 0 } as MemberHealth;
const lines = (views: Record<string, GroupView | null>, own: MemberHealth | null) =>
  renderFamilies(postgresFamilies({ groups: () => Object.keys(views), view: (group) => views[group] ?? null, health: () => own }), state)
    .split('\n')
    .filter((each) => each !== '' && !each.startsWith('#'));

it('are what the agent knows of each group, and of its own member', () => {
  const all = lines({ main: view }, health);
  const of = (name: string) => all.find((each) => each.startsWith(`nines_postgres_${name}{`));
  expect(of('term')).toBe('nines_postgres_term{group="main",host="b1",zone="b"} 4');
  expect(of('epoch')).toMatch(/ 7$/);
  expect(all.filter((each) => each.startsWith('nines_postgres_phase')).map((each) => each.split('phase="')[1])).toEqual([
    'open"} 1',
    'electing"} 0',
    'promoting"} 0',
    'unknown"} 0',
  ]);
  for (const [name, value] of Object.entries({ lone: 1, paused: 0, leader: 1, proven: 1, streaming: 0, counted: 0, lag_bytes: 0 })) {
    expect(of(name), name).toMatch(new RegExp(` ${value}$`));
  }
});

it('leave out what is not known', () => {
  expect(lines({ main: null }, null)).toEqual([]);
  expect(lines({ main: view }, null).some((each) => /leader|proven|counted|lag/.test(each))).toBe(false);
  expect(lines({ main: view }, { ...health, lagBytes: null }).some((each) => each.includes('lag'))).toBe(false);
});
