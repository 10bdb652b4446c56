import fc from 'fast-check';
import { expect, test } from 'vitest';
import { optionsFor } from './one-leader.ts';
import { type Leader, leaderAfter, parsePlace, type PostgresPlace } from './place.ts';

const place = fc.record({ term: fc.nat(5), host: fc.option(fc.constantFrom('a', 'b', 'c')) }).map(
  ({ term, host }): PostgresPlace => ({
    leader: host,
    address: host,
    port: host === null ? null : 5432,
    term,
    phase: 'open',
    replicas: [],
  }),
);

test('property: whatever agents say in whatever order, the term never goes back', () => {
  fc.assert(
    fc.property(fc.array(place), (places) => {
      let known: Leader | null = null;
      for (const each of places) {
        const next = leaderAfter(known, each);
        if (known !== null && next !== null) expect(next.term).toBeGreaterThanOrEqual(known.term);
        // Only the word of a later term takes a leader away.
        if (known !== null && next === null) expect(each.term).toBeGreaterThan(known.term);
        known = next;
      }
    }),
  );
});

test('what no agent writes is refused', () => {
  for (const line of ['', '{', 'null', '[]', '{"leader":"a","term":1}', '{"leader":null}', '{"term":"1"}']) {
    expect(() => parsePlace(line)).toThrow();
  }
  expect(parsePlace('{"leader":null,"term":0,"phase":"unknown"}').leader).toBeNull();
});

test("the leader's address takes the place of the one in the options, however that was written", () => {
  const leader = { address: '10.0.0.2', port: 6000, term: 1 };
  const url = 'postgres://app:p%2Fw@db.example:5432/app?sslmode=require&host=elsewhere';
  expect(optionsFor({ connectionString: url, max: 3 }, leader)).toEqual({
    connectionString: 'postgres://app:p%2Fw@10.0.0.2:6000/app?sslmode=require',
    max: 3,
  });
  expect(optionsFor({ host: 'db.example', user: 'app' }, leader)).toEqual({ host: '10.0.0.2', port: 6000, user: 'app' });
  expect(optionsFor({ connectionString: url }, null)).toEqual({ connectionString: url });
});
