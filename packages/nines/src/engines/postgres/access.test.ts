import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataContext } from '../testing/data-context.ts';
import { renderAccess, renderIdentityMap } from './access.ts';
import { postgresGroup } from './group.ts';

const ADMITTED = '@"/run/admitted"';

function rulesOf(wishes: Omit<Parameters<typeof dataContext>[0], 'engine' | 'ordinal'>): string[][] {
  const { spec } = dataContext({ engine: 'postgres', ordinal: 0, ...wishes });
  const lines = renderAccess(spec, postgresGroup(spec, 'main'), '/run/admitted').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(/ +/));
}

describe('renderAccess', () => {
  it('lets nobody in over the network without TLS and a password', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.constantFrom('10.1.2', '127.0.5'), (count, network) => {
        const admitting = rulesOf({ count, network }).filter((rule) => rule.at(-1) !== 'reject');
        for (const rule of admitting) {
          expect(['local', 'hostssl']).toContain(rule[0]);
          if (rule[0] === 'local' && rule[2] === '"postgres"') continue;
          expect(rule.at(-1)).toBe('scram-sha-256');
          if (rule[0] === 'hostssl') expect(rule[3]).toMatch(/\/32$/);
        }
        expect(
          rulesOf({ count, network })
            .slice(-3)
            .every((rule) => rule.at(-1) === 'reject'),
        ).toBe(true);
      }),
    );
  });

  it('admits each replication role from its own host only', () => {
    const replication = rulesOf({ count: 3 }).filter((rule) => rule[1] === 'replication' && rule.at(-1) !== 'reject');
    expect(replication.map((rule) => [rule[2], rule[3]])).toEqual([
      ['"replica_0"', '10.0.0.1/32'],
      ['"replica_1"', '10.0.0.2/32'],
      ['"replica_2"', '10.0.0.3/32'],
    ]);
  });

  it('never admits the superuser over the network', () => {
    const superuser = rulesOf({ count: 3 }).filter((rule) => rule[2]?.includes('postgres') && rule.at(-1) !== 'reject');
    expect(superuser.map((rule) => rule[0])).toEqual(['local']);
  });

  it('takes the machine’s root for the superuser, by the kernel’s word, and nobody else', () => {
    expect(rulesOf({ count: 3 }).filter((rule) => rule.includes('peer'))).toEqual([['local', 'all', '"postgres"', 'peer', 'map=nines']]);
    expect(
      renderIdentityMap()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#')),
    ).toEqual(['nines root postgres']);
  });

  it('quotes the database, so that one named like a keyword opens nothing else', () => {
    const app = rulesOf({ count: 1, postgres: { database: 'all' } }).find((rule) => rule[0] === 'hostssl' && rule[2] === ADMITTED);
    expect(app?.[1]).toBe('"all"');
  });

  it('names the application by the file that the executor writes, nowhere by itself', () => {
    const rules = rulesOf({ count: 3 });
    expect(rules.filter((rule) => rule[2]?.includes('app'))).toEqual([]);
    expect(rules.filter((rule) => rule[0] === 'hostssl' && rule[2] === ADMITTED).map((rule) => rule[1])).toEqual([
      '"app"',
      '"app"',
      '"app"',
    ]);
  });

  it('answers the agent whether the application is admitted, under a database that does not exist', () => {
    expect(rulesOf({ count: 3 }).filter((rule) => rule[0] === 'local' && rule[2] === ADMITTED)).toEqual([
      ['local', '"nines-admission"', ADMITTED, 'scram-sha-256'],
    ]);
  });
});
