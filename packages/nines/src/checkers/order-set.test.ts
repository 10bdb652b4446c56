import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkOrders, type OrderAttempt, type OrderHistory } from './order-set.ts';

/** A good history: every acknowledged order stored and listed once, some unanswered ones stored, no refused one. */
const goodHistory = fc
  .array(
    fc.record({
      outcome: fc.constantFrom('ok', 'ok', 'ok', 'fail', 'info'),
      happened: fc.boolean(),
      customer: fc.integer({ min: 0, max: 4 }),
    }),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((requests): OrderHistory => {
    const attempts: OrderAttempt[] = [];
    const stored: OrderHistory['stored'] = [];
    const lists = new Map<string, string[]>();
    requests.forEach((request, index) => {
      const customer = `c${request.customer}`;
      const id = `o${index}`;
      const { outcome } = request;
      attempts.push({ key: `k${index}`, customer, outcome, orderId: outcome === 'ok' ? id : null });
      lists.set(customer, lists.get(customer) ?? []);
      if (outcome === 'ok' || (outcome === 'info' && request.happened)) {
        stored.push({ id, key: `k${index}`, customer });
        lists.get(customer)?.push(id);
      }
    });
    return { attempts, stored, listed: [...lists].map(([customer, orderIds]) => ({ customer, orderIds })) };
  })
  .filter((history) => history.attempts.some((attempt) => attempt.outcome === 'ok'));

const acknowledgedOf = (history: OrderHistory) => history.attempts.filter((attempt) => attempt.outcome === 'ok');

/** Each damage makes exactly one anomaly of the named class in the `pick`-th acknowledged order. */
const damages: Record<string, (history: OrderHistory, victim: OrderAttempt) => 'lost' | 'duplicated' | 'phantom'> = {
  'missing from the database': (history, victim) => {
    history.stored = history.stored?.filter((order) => order.key !== victim.key) ?? null;
    for (const list of history.listed) list.orderIds = list.orderIds?.filter((id) => id !== victim.orderId) ?? null;
    return 'lost';
  },
  'missing from the list': (history, victim) => {
    for (const list of history.listed) list.orderIds = list.orderIds?.filter((id) => id !== victim.orderId) ?? null;
    return 'lost';
  },
  'stored under another customer': (history, victim) => {
    for (const order of history.stored ?? []) if (order.key === victim.key) order.customer = 'somebody else';
    return 'lost';
  },
  'acknowledged under another id': (_history, victim) => {
    victim.orderId = 'another';
    return 'lost';
  },
  'made twice for one key': (history, victim) => {
    history.stored?.push({ id: 'twin', key: victim.key, customer: victim.customer });
    return 'duplicated';
  },
  'stored twice under one id': (history, victim) => {
    history.stored?.push({ id: victim.orderId as string, key: victim.key, customer: victim.customer });
    return 'duplicated';
  },
  'listed twice': (history, victim) => {
    history.listed.find((list) => list.customer === victim.customer)?.orderIds?.push(victim.orderId as string);
    return 'duplicated';
  },
  'never asked for': (history) => {
    history.stored?.push({ id: 'ghost', key: 'ghost', customer: 'c0' });
    return 'phantom';
  },
  'made without a key': (history) => {
    history.stored?.push({ id: 'ghost', key: null, customer: 'c0' });
    return 'phantom';
  },
  'listed but not stored': (history) => {
    history.listed[0]?.orderIds?.push('ghost');
    return 'phantom';
  },
  'refused, and yet there': (history) => {
    history.attempts.push({ key: 'refused', customer: 'c0', outcome: 'fail', orderId: null });
    history.stored?.push({ id: 'ghost', key: 'refused', customer: 'c0' });
    return 'phantom';
  },
};

describe('checkOrders', () => {
  it('finds nothing in a good history', () => {
    fc.assert(
      fc.property(goodHistory, (history) => {
        const verdict = checkOrders(history);
        expect(verdict).toMatchObject({ verdict: 'valid', lost: [], duplicated: [], phantom: [] });
        expect(verdict.acknowledged).toBe(acknowledgedOf(history).length);
        const unanswered = history.attempts.filter((attempt) => attempt.outcome === 'info').length;
        expect(verdict.unanswered.present + verdict.unanswered.absent).toBe(unanswered);
      }),
    );
  });

  for (const [name, damage] of Object.entries(damages)) {
    it(`catches an order ${name}, in any good history, as its class`, () => {
      fc.assert(
        fc.property(goodHistory, fc.nat(), (history, pick) => {
          const acknowledged = acknowledgedOf(history);
          const victim = acknowledged[pick % acknowledged.length] as OrderAttempt;
          const anomaly = damage(history, victim);
          const verdict = checkOrders(history);
          expect(verdict.verdict).toBe('invalid');
          expect(verdict[anomaly].length).toBeGreaterThanOrEqual(1);
          if (anomaly === 'lost') expect(verdict.lost).toHaveLength(1);
        }),
      );
    });
  }

  it('does not depend on the order of the reads', () => {
    fc.assert(
      fc.property(goodHistory, (history) => {
        const turned = { ...history, stored: history.stored?.toReversed() ?? null, listed: history.listed.toReversed() };
        expect(checkOrders(turned)).toEqual(checkOrders(history));
      }),
    );
  });

  it('lets an unanswered order be there or not', () => {
    const attempts: OrderAttempt[] = [
      { key: 'a', customer: 'c', outcome: 'ok', orderId: '1' },
      { key: 'b', customer: 'c', outcome: 'info', orderId: null },
      { key: 'd', customer: 'c', outcome: 'info', orderId: null },
    ];
    const stored = [
      { id: '1', key: 'a', customer: 'c' },
      { id: '2', key: 'b', customer: 'c' },
    ];
    const verdict = checkOrders({ attempts, stored, listed: [{ customer: 'c', orderIds: ['1', '2'] }] });
    expect(verdict).toMatchObject({ verdict: 'valid', unanswered: { present: 1, absent: 1 } });
  });

  it('judges a key asked for twice by its surest answer', () => {
    const attempts: OrderAttempt[] = [
      { key: 'a', customer: 'c', outcome: 'info', orderId: null },
      { key: 'a', customer: 'c', outcome: 'ok', orderId: '1' },
      { key: 'b', customer: 'c', outcome: 'fail', orderId: null },
      { key: 'b', customer: 'c', outcome: 'info', orderId: null },
    ];
    const stored = [
      { id: '1', key: 'a', customer: 'c' },
      { id: '2', key: 'b', customer: 'c' },
    ];
    const verdict = checkOrders({ attempts, stored, listed: [{ customer: 'c', orderIds: ['1', '2'] }] });
    expect(verdict).toMatchObject({ verdict: 'valid', phantom: [], unanswered: { present: 1, absent: 0 } });
  });

  describe('stays unknown', () => {
    const attempts: OrderAttempt[] = [{ key: 'a', customer: 'c', outcome: 'ok', orderId: '1' }];
    const stored = [{ id: '1', key: 'a', customer: 'c' }];
    const listed = [{ customer: 'c', orderIds: ['1'] }];
    it('when nothing was acknowledged', () => {
      expect(checkOrders({ attempts: [], stored: [], listed: [] }).verdict).toBe('unknown');
    });
    it('when the database was not read', () => {
      expect(checkOrders({ attempts, stored: null, listed }).verdict).toBe('unknown');
    });
    it("when a customer's list was not read", () => {
      expect(checkOrders({ attempts, stored, listed: [{ customer: 'c', orderIds: null }] }).verdict).toBe('unknown');
      expect(checkOrders({ attempts, stored, listed: [] }).verdict).toBe('unknown');
    });
    it('but an anomaly seen with half of the reads is an anomaly', () => {
      expect(checkOrders({ attempts, stored: [], listed: [] }).verdict).toBe('invalid');
      expect(checkOrders({ attempts, stored: null, listed: [{ customer: 'c', orderIds: [] }] }).verdict).toBe('invalid');
    });
  });
});
