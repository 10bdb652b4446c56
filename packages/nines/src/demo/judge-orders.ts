/** A run's history and the final reads -> the report on orders. */
import { checkOrders, type ListedOrders, type OrderAttempt, type OrderVerdict, type StoredOrder } from '../checkers/order-set.ts';
import type { RequestRecord } from '../load/record.ts';
import type { OrdersReport } from '../report/report.ts';

const MOST_ANOMALIES = 20;

/** Requests for orders that were sent; one over the connection cap never left and asked for nothing. */
export function orderAttempts(records: readonly RequestRecord[]): OrderAttempt[] {
  return records.flatMap((record) => {
    if (record.f !== 'placeOrder' || record.key === null) return [];
    return [{ key: record.key, customer: record.process, outcome: record.class, orderId: record.class === 'ok' ? record.value : null }];
  });
}

export function acknowledgedByCustomer(attempts: readonly OrderAttempt[]): Map<string, string[]> {
  const byCustomer = new Map<string, string[]>();
  for (const { customer, outcome, orderId } of attempts) {
    if (outcome !== 'ok' || orderId === null) continue;
    byCustomer.set(customer, [...(byCustomer.get(customer) ?? []), orderId]);
  }
  return byCustomer;
}

export interface JudgedOrders {
  verdict: OrderVerdict;
  report: OrdersReport;
}

export function judgeOrders(attempts: OrderAttempt[], stored: StoredOrder[] | null, listed: ListedOrders[]): JudgedOrders {
  const verdict = checkOrders({ attempts, stored, listed });
  const anomalies = [...verdict.lost, ...verdict.duplicated, ...verdict.phantom].slice(0, MOST_ANOMALIES);
  return {
    verdict,
    report: {
      verdict: verdict.verdict,
      reason: verdict.reason,
      phantom: verdict.phantom.length,
      unanswered: verdict.unanswered,
      anomalies: anomalies.map(({ customer, key, what }) => `${customer}${key === null ? '' : `, key ${key}`}: ${what}`),
    },
  };
}
