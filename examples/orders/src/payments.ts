/** Payments: at most one per order. (The money itself is imagined; the exactly-once of it is not.) */
import { randomUUID } from 'node:crypto';
import type { Transaction } from '@nines/runtime';
import { Failure } from './failure.ts';

export interface Payment {
  id: string;
  orderId: string;
  amountCents: number;
  createdAt: string;
}

export async function payOrder(transaction: Transaction, paying: { customerId: number; orderId: string; at: Date }): Promise<Payment> {
  const { customerId, orderId, at } = paying;
  const [order] = await transaction.run<{ status: string; totalCents: string }>({
    name: 'lock-order',
    text: `SELECT status, total_cents AS "totalCents" FROM orders
           WHERE id = $1 AND customer_id = $2 FOR NO KEY UPDATE`,
    values: [orderId, customerId],
  });
  if (order === undefined) throw new Failure(404, 'not_found', `You have no order ${orderId}.`);
  if (order.status === 'paid') throw new Failure(409, 'already_paid', `Order ${orderId} is paid already.`);
  const amountCents = Number(order.totalCents);
  const payment: Payment = { id: randomUUID(), orderId, amountCents, createdAt: at.toISOString() };
  await transaction.run({
    name: 'insert-payment',
    text: `WITH paid AS (UPDATE orders SET status = 'paid' WHERE id = $2)
           INSERT INTO payments (id, order_id, amount_cents, created_at) VALUES ($1, $2, $3, $4)`,
    values: [payment.id, orderId, amountCents, payment.createdAt],
  });
  return payment;
}
