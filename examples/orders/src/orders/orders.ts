/** Orders in the database: placed in one transaction with the stock they take. */
import { randomUUID } from 'node:crypto';
import type { Call, Database, Statement, Transaction } from '@nines/runtime';
import { type Item, type Line, pricedLines, type StockedProduct } from './cart.ts';

export interface Order {
  id: string;
  status: 'placed' | 'paid';
  totalCents: number;
  createdAt: string;
  items: Line[];
}

/** `items` normalised. Resolves with the order; throws Failure, and then nothing is left in the transaction's way. */
export async function placeOrder(
  transaction: Transaction,
  placing: { customerId: number; key: string; items: Item[]; at: Date },
): Promise<Order> {
  const { customerId, key, items, at } = placing;
  const products = await transaction.run<StockedProduct>({
    // Locked in order of id: two carts with the same products cannot block each other.
    name: 'lock-products',
    text: `SELECT id, name, price_cents AS "priceCents", stock FROM products
           WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE`,
    values: [items.map((item) => item.productId)],
  });
  const { lines, totalCents } = pricedLines(items, products);
  const order: Order = { id: randomUUID(), status: 'placed', totalCents, createdAt: at.toISOString(), items: lines };
  await transaction.run(insertOrder(order, customerId, key));
  return order;
}

function insertOrder(order: Order, customerId: number, key: string): Statement {
  return {
    name: 'insert-order',
    text: `WITH line AS (
             SELECT * FROM unnest($7::int[], $8::int[], $9::int[]) AS line (product_id, quantity, price_cents)
           ), taken AS (
             UPDATE products SET stock = stock - line.quantity FROM line WHERE products.id = line.product_id
           ), placed AS (
             INSERT INTO orders (id, customer_id, idempotency_key, status, total_cents, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
           )
           INSERT INTO order_items (order_id, product_id, quantity, price_cents)
           SELECT $1, product_id, quantity, price_cents FROM line`,
    values: [
      order.id,
      customerId,
      key,
      order.status,
      order.totalCents,
      order.createdAt,
      order.items.map((line) => line.productId),
      order.items.map((line) => line.quantity),
      order.items.map((line) => line.priceCents),
    ],
  };
}

const SELECT_ORDERS = `
  SELECT orders.id, orders.status, orders.total_cents AS "totalCents", orders.created_at AS "createdAt",
         json_agg(json_build_object('productId', items.product_id, 'quantity', items.quantity,
                                    'name', products.name, 'priceCents', items.price_cents)
                  ORDER BY items.product_id) AS items
  FROM orders
  JOIN order_items AS items ON items.order_id = orders.id
  JOIN products ON products.id = items.product_id`;

/** Newest first. */
export async function ordersOf(database: Database, call: Call, customerId: number, limit: number): Promise<Order[]> {
  const rows = await database.run<OrderRow>(
    {
      name: 'orders-of-customer',
      text: `${SELECT_ORDERS}
           WHERE orders.id IN (SELECT id FROM orders WHERE customer_id = $1 ORDER BY created_at DESC LIMIT $2)
           GROUP BY orders.id ORDER BY orders.created_at DESC`,
      values: [customerId, limit],
    },
    call,
  );
  return rows.map(orderOf);
}

/** Null when there is none, or when it is somebody else's. */
export async function orderOfCustomer(database: Database, call: Call, customerId: number, orderId: string): Promise<Order | null> {
  const [row] = await database.run<OrderRow>(
    {
      name: 'order-of-customer',
      text: `${SELECT_ORDERS} WHERE orders.id = $1 AND orders.customer_id = $2 GROUP BY orders.id`,
      values: [orderId, customerId],
    },
    call,
  );
  return row === undefined ? null : orderOf(row);
}

/** As the driver gives it: bigint as text, so that no digit is lost. */
interface OrderRow extends Omit<Order, 'totalCents' | 'createdAt'> {
  totalCents: string;
  createdAt: Date;
}

function orderOf(row: OrderRow): Order {
  return { ...row, totalCents: Number(row.totalCents), createdAt: row.createdAt.toISOString() };
}
