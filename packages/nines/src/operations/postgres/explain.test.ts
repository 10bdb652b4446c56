import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExplainLine } from '../../agent/failover/decision-log.ts';
import { decisionsSince, membersNow } from './explain.ts';
import { newestView } from './newest-view.ts';
import { withoutRepeats } from './repeats.ts';
import { openView, TwinGroup } from './testing/twin-group.ts';

const decision = (host: string, atMs: number, changes: Partial<ExplainLine> = {}): ExplainLine => ({
  atMs,
  host,
  group: 'main',
  rule: 99,
  name: 'nothing',
  reason: 'nothing to do',
  held: [],
  epoch: 3,
  term: 3,
  event: 'tick',
  commands: [],
  ...changes,
});
const signal = new AbortController().signal;

describe('decisions of all agents', () => {
  it('come by time, with those that do not answer named', async () => {
    const group = new TwinGroup(openView('b1', 3));
    const log = (...decisions: ExplainLine[]) => decisions.map((one) => `${JSON.stringify(one)}\n`).join('');
    group.logs.set('a1', log(decision('a1', 10), decision('a1', 30)));
    group.logs.set('b1', log(decision('b1', 20)));
    const told = await decisionsSince(group, 'main', () => 0, signal);
    expect(told.decisions.map(({ host, atMs }) => `${host} ${atMs}`)).toEqual(['a1 10', 'b1 20', 'a1 30']);
    expect(told.silent).toEqual([{ host: 'c1', error: 'no answer in time' }]);
  });

  it('end with what each member says now', async () => {
    const group = new TwinGroup(openView('b1', 3));
    group.units.set('a1', { reason: 'standby, waits for the election' });
    expect((await membersNow(group, 'main', signal))[0]).toEqual({ host: 'a1', reason: 'standby, waits for the election' });
  });
});

describe('repeats', () => {
  it('of one host are one run, also with another host in between; whatever differs is told', () => {
    const held = { held: ['open-epoch/noOtherElection'] };
    const log = [decision('a1', 1), decision('b1', 2), decision('a1', 3), decision('a1', 4, held), decision('a1', 5)];
    expect(withoutRepeats(log).map(({ decision: { host }, count, lastAtMs }) => [host, count, lastAtMs])).toEqual([
      ['a1', 2, 3],
      ['b1', 1, 2],
      ['a1', 1, 4],
      ['a1', 1, 5],
    ]);
  });

  it('never lose a decision, nor bring two different ones together', () => {
    const any = fc.record({
      host: fc.constantFrom('a1', 'b1'),
      rule: fc.nat(2),
      held: fc.array(fc.constantFrom('x/y', 'z/w'), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(any), (parts) => {
        const log = parts.map((part, index) => decision(part.host, index, part));
        const runs = withoutRepeats(log);
        expect(runs.reduce((sum, { count }) => sum + count, 0)).toBe(log.length);
        for (const host of ['a1', 'b1']) {
          const words = ({ rule, held }: ExplainLine) => `${rule} ${held.join(' ')}`;
          const told = runs
            .filter((run) => run.decision.host === host)
            .flatMap((run) => Array<string>(run.count).fill(words(run.decision)));
          expect(told).toEqual(log.filter((one) => one.host === host).map(words));
        }
      }),
    );
  });
});

describe('the newest view', () => {
  it('is of the latest epoch, and of the same the leader’s own', () => {
    const old = { host: 'b1', view: openView('b1', 3) };
    const own = { host: 'c1', view: openView('c1', 4, { proven: true }) };
    const heard = { host: 'a1', view: openView('c1', 4, { replicas: [] }) };
    const unaware = { host: 'a1', view: openView('c1', 4, { leader: null }) };
    expect(newestView([old, heard, own])).toBe(own.view);
    expect(newestView([unaware, heard, old])).toBe(heard.view);
    expect(newestView([])).toBe(null);
  });
});
