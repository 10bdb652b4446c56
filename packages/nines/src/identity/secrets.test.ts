import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exampleTopology } from './testing/example-topology.ts';
import { completeSecrets, emptySecrets, parseSecrets } from './secrets.ts';

function counter(): () => string {
  let count = 0;
  return () => `secret-${count++}`;
}

describe('secrets of a cluster', () => {
  test('one for every role, user and service secret', () => {
    const topology = exampleTopology({ postgres: { main: 3, archive: 5 }, redis: ['cache'], services: { orders: ['SESSION_KEY'] } });
    const secrets = completeSecrets(emptySecrets(), topology, counter());
    expect(
      Object.keys(secrets.postgres)
        .filter((key) => key.startsWith('main/'))
        .sort(),
    ).toEqual(
      ['app', 'monitor', 'postgres', ...Array.from({ length: 8 }, (_, ordinal) => `replica_${ordinal}`)].map((role) => `main/${role}`),
    );
    expect(secrets.postgres['archive/replica_9']).toBeDefined();
    expect(Object.keys(secrets.redis).sort()).toEqual(['cache/agent', 'cache/app', 'cache/replica', 'cache/sentinel']);
    expect(Object.keys(secrets.services)).toEqual(['orders/SESSION_KEY']);
    const all = Object.values(secrets).flatMap((section) => Object.values(section));
    expect(new Set(all).size).toBe(all.length);
  });

  test('a change of the topology never changes or drops a secret', () => {
    const names = fc.constantFrom('main', 'cache', 'orders', 'constructor', 'billing');
    const wishes = fc.record({
      postgres: fc.dictionary(names, fc.integer({ min: 1, max: 9 })),
      redis: fc.uniqueArray(names),
      services: fc.dictionary(names, fc.uniqueArray(fc.constantFrom('KEY', 'TOKEN', 'SALT'))),
    });
    fc.assert(
      fc.property(wishes, wishes, (before, after) => {
        const generate = counter();
        const first = completeSecrets(emptySecrets(), exampleTopology(before), generate);
        const second = completeSecrets(first, exampleTopology(after), generate);
        expect(second).toMatchObject(first);
        expect(completeSecrets(second, exampleTopology(before), () => expect.unreachable())).toEqual(second);
      }),
    );
  });

  test('reads back what was written, refuses everything else', () => {
    const secrets = completeSecrets(emptySecrets(), exampleTopology({ postgres: { main: 3 } }), counter());
    expect(parseSecrets(JSON.stringify(secrets))).toEqual(secrets);
    for (const text of [
      '',
      '{',
      'null',
      '[]',
      '{}',
      '{"postgres":{},"redis":{},"services":{}}',
      '{"postgres":{"a":1},"redis":{},"services":{},"other":{}}',
    ]) {
      expect(parseSecrets(text)).toBeNull();
    }
  });
});
