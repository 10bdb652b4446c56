/**
 * Is every acknowledged order there exactly once? The `set` checker of a history, for orders with idempotency keys.
 * What is not known stays unknown: a request without a definite answer may or may not have made its order, and
 * without a final read or without one acknowledged order there is nothing to judge.
 */

/** One request for an order as the client saw it, retries included. */
export interface OrderAttempt {
  key: string;
  customer: string;
  /** ok: it must have happened; fail: it must not have happened; info: it may have. */
  outcome: 'ok' | 'fail' | 'info';
  /** The id in the answer; null unless ok. */
  orderId: string | null;
}

/** An order as the database holds it, read past the API. */
export interface StoredOrder {
  id: string;
  /** Idempotency key of the request that made it; null for an order made without one. */
  key: string | null;
  customer: string;
}

/** A customer's orders as the API lists them after the faults; null when they could not be read. */
export interface ListedOrders {
  customer: string;
  orderIds: string[] | null;
}

export interface OrderHistory {
  attempts: OrderAttempt[];
  /** null: the database could not be read. */
  stored: StoredOrder[] | null;
  /** One entry for each customer with an acknowledged order. */
  listed: ListedOrders[];
}

export interface OrderAnomaly {
  key: string | null;
  orderId: string | null;
  customer: string;
  what: string;
}

export interface OrderVerdict {
  verdict: 'valid' | 'invalid' | 'unknown';
  /** One sentence. */
  reason: string;
  acknowledged: number;
  /** Acknowledged, and missing from the database or from the customer's list. */
  lost: OrderAnomaly[];
  /** More than one order for one key, or one order listed twice. */
  duplicated: OrderAnomaly[];
  /** There, though never asked for or definitely refused. */
  phantom: OrderAnomaly[];
  /** Requests without a definite answer: their orders that turned out to be there, and those that did not. */
  unanswered: { present: number; absent: number };
}

type Found = Pick<OrderVerdict, 'lost' | 'duplicated' | 'phantom' | 'unanswered'>;

export function checkOrders(history: OrderHistory): OrderVerdict {
  const acknowledged = history.attempts.filter((attempt) => attempt.outcome === 'ok');
  const found: Found = { lost: [], duplicated: [], phantom: [], unanswered: { present: 0, absent: 0 } };
  if (history.stored !== null) checkStored(history.attempts, history.stored, found);
  const unread = checkListed(acknowledged, history, found);
  found.lost = onePerKey(found.lost);
  const anomalies = found.lost.length + found.duplicated.length + found.phantom.length;
  const judged = { acknowledged: acknowledged.length, ...found };
  if (anomalies > 0) {
    const reason = `${found.lost.length} lost, ${found.duplicated.length} duplicated, ${found.phantom.length} phantom of ${acknowledged.length} acknowledged orders`;
    return { verdict: 'invalid', reason, ...judged };
  }
  const missing = whatIsMissing(acknowledged.length, history, unread);
  if (missing !== null) return { verdict: 'unknown', reason: missing, ...judged };
  return {
    verdict: 'valid',
    reason: `all ${acknowledged.length} acknowledged orders are there exactly once, in the database and through the API`,
    ...judged,
  };
}

function whatIsMissing(acknowledged: number, history: OrderHistory, unread: string[]): string | null {
  if (acknowledged === 0) return 'no order was acknowledged, so there is nothing to judge';
  if (history.stored === null) return 'the database could not be read at the end';
  const first = unread[0];
  if (first !== undefined) {
    return `the orders of ${unread.length} customers could not be read through the API at the end (first: ${first})`;
  }
  return null;
}

function checkStored(attempts: OrderAttempt[], stored: StoredOrder[], found: Found): void {
  const byKey = new Map<string, StoredOrder[]>();
  const ids = new Set<string>();
  for (const order of stored) {
    if (ids.has(order.id)) found.duplicated.push(anomaly(order, `order ${order.id} is stored twice`));
    else if (order.key !== null) byKey.set(order.key, [...(byKey.get(order.key) ?? []), order]);
    ids.add(order.id);
  }
  const asked = new Map<string, OrderAttempt['outcome']>();
  for (const attempt of attempts) {
    asked.set(attempt.key, surer(asked.get(attempt.key), attempt.outcome));
    if (attempt.outcome !== 'ok') continue;
    const orders = byKey.get(attempt.key) ?? [];
    if (!orders.some((order) => order.id === attempt.orderId && order.customer === attempt.customer)) {
      const instead = orders.map((order) => `${order.id} of ${order.customer}`).join(', ') || 'nothing';
      found.lost.push(lostOf(attempt, `acknowledged as order ${attempt.orderId}; stored under its key: ${instead}`));
    }
  }
  for (const order of stored) {
    const outcome = order.key === null ? undefined : asked.get(order.key);
    if (outcome === undefined) found.phantom.push(anomaly(order, 'stored, but never asked for'));
    else if (outcome === 'fail') found.phantom.push(anomaly(order, 'stored, though the request was refused'));
  }
  for (const [key, orders] of byKey) {
    const [first, ...more] = orders;
    if (first === undefined || more.length === 0) continue;
    found.duplicated.push(anomaly(first, `${orders.length} orders for the key ${key}: ${orders.map((order) => order.id).join(', ')}`));
  }
  for (const [key, outcome] of asked) {
    if (outcome === 'info') found.unanswered[byKey.has(key) ? 'present' : 'absent'] += 1;
  }
}

/** A key asked for more than once is judged by its surest answer: one `ok` decides, and `info` outweighs a refusal. */
function surer(known: OrderAttempt['outcome'] | undefined, next: OrderAttempt['outcome']): OrderAttempt['outcome'] {
  if (known === 'ok' || next === 'ok') return 'ok';
  return known === 'info' || next === 'info' ? 'info' : 'fail';
}

/** Returns the customers whose lists are missing though they have acknowledged orders. */
function checkListed(acknowledged: OrderAttempt[], history: OrderHistory, found: Found): string[] {
  const lists = new Map<string, Set<string>>();
  const stored = new Set(history.stored?.map((order) => order.id));
  for (const { customer, orderIds } of history.listed) {
    if (orderIds === null) continue;
    const list = lists.get(customer) ?? new Set<string>();
    for (const orderId of orderIds) {
      const listing = { id: orderId, key: null, customer };
      if (list.has(orderId)) found.duplicated.push(anomaly(listing, `order ${orderId} is listed twice`));
      else if (history.stored !== null && !stored.has(orderId)) found.phantom.push(anomaly(listing, 'listed, but not stored'));
      list.add(orderId);
    }
    lists.set(customer, list);
  }
  const unread = new Set<string>();
  for (const attempt of acknowledged) {
    const list = lists.get(attempt.customer);
    if (list === undefined) unread.add(attempt.customer);
    else if (attempt.orderId === null || !list.has(attempt.orderId)) {
      found.lost.push(lostOf(attempt, `acknowledged as order ${attempt.orderId}; not in the customer's list`));
    }
  }
  return [...unread];
}

/** One order missing from both reads is one lost order. */
function onePerKey(lost: OrderAnomaly[]): OrderAnomaly[] {
  return [...new Map(lost.toReversed().map((one) => [one.key, one])).values()].toReversed();
}

function lostOf(attempt: OrderAttempt, what: string): OrderAnomaly {
  return { key: attempt.key, orderId: attempt.orderId, customer: attempt.customer, what };
}

function anomaly(order: StoredOrder, what: string): OrderAnomaly {
  return { key: order.key, orderId: order.id, customer: order.customer, what };
}
