import { expect, it, vi } from 'vitest';
import { RULES } from '../failover/rules/table.ts';
import { openView, TwinGroup } from '../operations/postgres/testing/twin-group.ts';
import { decisionRows, describedRules, nowRows, rulesTable } from './explain-table.ts';
import { groupLines } from './group-lines.ts';
import { plain } from './terminal/style.ts';

const PIPE = { isTTY: false };
const { spec } = new TwinGroup(openView('b1', 3));

it('status says in one line who leads, since which term, and how far the others are', () => {
  const { replicas } = openView('b1', 3);
  const behind = [
    { ...replicas[0]!, lagBytes: 5 * 1024 * 1024 },
    { ...replicas[1]!, counted: false, lagBytes: null },
  ];
  const line = (changes: Parameters<typeof openView>[2]) => groupLines(spec, { main: openView('b1', 3, changes) }, PIPE)[0];
  expect(line({})).toBe('postgres main: b1 leads in term 3, 2 of 2 standbys count; a1 0 B behind; c1 0 B behind');
  expect(line({ replicas: behind })).toBe(
    'postgres main: b1 leads in term 3, 1 of 2 standbys count; a1 5.0 MB behind; c1 behind by an unknown amount, not counted',
  );
  expect(line({ lone: true, paused: true, replicas: [] })).toMatch(/0 of 2 standbys count, LONE: .*failover is paused$/);
  expect(line({ phase: 'electing', epoch: 7, leader: null })).toMatch(/no leader is known, electing, epoch 7/);
  expect(line({ phase: 'promoting', term: 4 })).toContain('b1 leads in term 3, promoting, epoch 3, term 4 is not open yet');
  expect(groupLines(spec, { main: null }, PIPE)).toEqual(['postgres main: no agent says anything about it']);
});

it('explain says decisions once, with why others were not taken', () => {
  const base = { group: 'main', epoch: 5, term: 3, event: 'tick', commands: [], atMs: 1 };
  const held = ['open-epoch/noOtherElection'];
  const waiting = { ...base, host: 'c1', rule: 99, name: 'nothing', reason: 'nothing to do', held };
  const opened = { ...base, host: 'b1', rule: 15, name: 'open-epoch', reason: 'the leader is suspected: an election begins', held: [] };
  const failed = { ...opened, event: 'failed' };
  const noted = { ...base, host: 'a1', rule: 0, name: 'agent', reason: 'etcd does not answer', held: [], term: null };
  const runs = [waiting, opened, failed, noted].map((decision, at) => ({ decision, count: at === 0 ? 41 : 1, lastAtMs: 9 }));
  const rows = decisionRows(runs, PIPE, (atMs) => `at ${atMs}`).split('\n');
  expect(rows).toEqual([
    'at 1  c1  term 3  99  nothing     nothing to do; open-epoch waits: an election is running already and is not overdue  x 41',
    'at 1  b1  term 3  15  open-epoch  the leader is suspected: an election begins',
    'at 1  b1  term 3  15  open-epoch  the last command failed; the leader is suspected: an election begins',
    'at 1  a1  -        -  agent       etcd does not answer',
  ]);
  vi.stubEnv('NO_COLOR', '');
  vi.stubEnv('TERM', 'xterm');
  const coloured = decisionRows(runs, { isTTY: true }, String);
  vi.unstubAllEnvs();
  expect(coloured).not.toBe(plain(coloured));
  expect(nowRows([{ host: 'a1', reason: 'standby\nand more' }], PIPE)).toBe('now\na1  standby');
});

it('explain --rules has every rule with every wall in words', () => {
  const described = describedRules();
  expect(described.map(({ number }) => number)).toEqual(RULES.map(({ number }) => number));
  expect(described.find(({ name }) => name === 'open')?.walls['proven']).toMatch(/not enough standbys/);
  const page = rulesTable(PIPE);
  for (const { says } of RULES) expect(page).toContain(says);
});
