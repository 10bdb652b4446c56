import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataContext, exposedPasswords } from '../testing/data-context.ts';
import { composeConfiguration, renderBase, type SentinelState, sentinelId, stateIn } from './configuration.ts';
import { planSentinel } from './plan.ts';
import { sentinelStanding } from './standing.ts';

const context = (ordinal: number, count = 3, leader = 0) => dataContext({ engine: 'sentinel', ordinal, count, leader });
const compose = (ordinal: number, state: SentinelState | null, count = 3) => {
  const here = context(ordinal, count);
  return composeConfiguration(here, renderBase(here), state);
};

describe('the configuration of a Sentinel', () => {
  it('keeps the state of its last life, and nothing else of the old file', () => {
    const state = fc.record({
      master: fc.integer({ min: 1, max: 3 }).map((number) => ({ host: `10.0.0.${number}`, port: 6379 })),
      currentEpoch: fc.nat(),
      leaderEpoch: fc.nat(),
      configEpoch: fc.nat(),
    });
    fc.assert(
      fc.property(state, fc.integer({ min: 0, max: 2 }), (known, ordinal) => {
        const file = compose(ordinal, known);
        expect(stateIn(file, 'main')).toEqual(known);
        expect(compose(ordinal, stateIn(`${file}sentinel known-sentinel main 10.0.0.99 26379 ${'0'.repeat(40)}\n`, 'main'))).toBe(file);
      }),
    );
  });

  it('starts from the first master, and names a master before every setting of it', () => {
    const lines = compose(1, null).split('\n');
    const monitor = lines.indexOf('sentinel monitor main 10.0.0.1 6379 2');
    expect(monitor).toBeGreaterThan(0);
    const settings = lines.flatMap((line, index) => (/^sentinel [\w-]+ main /.test(line) && index !== monitor ? [index] : []));
    expect(settings.length).toBeGreaterThan(5);
    expect(Math.min(...settings)).toBeGreaterThan(monitor);
    expect(stateIn('', 'main')).toBe(null);
  });

  it('knows all other members from the start, each Sentinel by the name that this one gives itself', () => {
    for (const count of [1, 3, 5]) {
      const files = Array.from({ length: count }, (_, ordinal) => compose(ordinal, null, count));
      for (const [ordinal, file] of files.entries()) {
        expect(file).toContain(`sentinel myid ${sentinelId(context(ordinal, count), ordinal)}\n`);
        for (const [other, text] of files.entries()) {
          if (other === ordinal) continue;
          expect(text).toContain(
            `sentinel known-sentinel main 10.0.0.${ordinal + 1} 26379 ${sentinelId(context(ordinal, count), ordinal)}\n`,
          );
        }
        expect(file.match(/^sentinel known-replica /gm)?.length ?? 0).toBe(count - 1);
      }
    }
  });

  it('goes back to the first master when the one it knew has left the group', () => {
    const state = { master: { host: '10.0.0.9', port: 6379 }, currentEpoch: 7, leaderEpoch: 7, configEpoch: 7 };
    expect(compose(0, state)).toContain('sentinel monitor main 10.0.0.1 6379 2\n');
  });

  it('shows no password outside 0600 files', () => {
    expect(exposedPasswords(context(0), planSentinel(context(0)))).toEqual([]);
  });
});

describe('sentinelStanding', () => {
  const master = { ip: '10.0.0.1', port: '6379', flags: 'master', 'num-slaves': '2', 'num-other-sentinels': '2', 'config-epoch': '4' };

  it('is ready while a failover would find a majority, whatever the master does', () => {
    expect(sentinelStanding(master, { reached: true, text: 'OK' })).toMatchObject({
      ready: true,
      details: { configEpoch: 4, masterDown: false },
    });
    const down = sentinelStanding({ ...master, flags: 's_down,o_down,master' }, { reached: true, text: 'OK' });
    expect(down).toMatchObject({ ready: true, details: { masterDown: true } });
    expect(sentinelStanding(master, { reached: false, text: 'NOQUORUM 1 usable' })).toMatchObject({
      ready: false,
      live: true,
      reason: expect.stringContaining('NOQUORUM'),
    });
  });
});
