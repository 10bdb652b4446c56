/** Placing, reading and paying orders: everything here belongs to one customer and is never cached on the way. */
import { fingerprintOf, type KeyedAnswer, once } from '@nines/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure, failureSchema } from '../failure.ts';
import { type Item, normalisedItems } from '../orders/cart.ts';
import { orderOfCustomer, ordersOf, placeOrder } from '../orders/orders.ts';
import {
  keyedFailures,
  keySchema,
  orderBodySchema,
  orderParameters,
  orderSchema,
  paymentSchema,
  sessionFailures,
} from '../orders/schemas.ts';
import { payOrder } from '../payments.ts';
import type { Services } from '../services.ts';
import { requireSession, sessionOf } from './login.ts';

export function orderRoutes(app: FastifyInstance, services: Services): void {
  const preHandler = requireSession(services);
  placing(app, services, preHandler);
  paying(app, services, preHandler);
  reading(app, services, preHandler);
}

type SessionGuard = ReturnType<typeof requireSession>;

function placing(app: FastifyInstance, { database }: Services, preHandler: SessionGuard): void {
  const schema = {
    summary: 'Place an order',
    description: 'Takes the stock and makes the order, both or neither, once per Idempotency-Key.',
    headers: keySchema,
    body: orderBodySchema,
    response: { 201: orderSchema, ...keyedFailures },
  };
  app.post<{ Body: { items: Item[] } }>('/orders', { schema, preHandler }, async (request, reply) => {
    const { customerId } = sessionOf(request);
    const key = keyOf(request);
    const items = normalisedItems(request.body.items);
    const keyed = { scope: String(customerId), key, fingerprint: fingerprintOf('POST', '/orders', items) };
    const answer = await once(
      database,
      keyed,
      async (transaction, at) => ({
        status: 201,
        body: await placeOrder(transaction, { customerId, key, items, at }),
      }),
      request.call,
    );
    return sendAnswer(reply, answer);
  });
}

function paying(app: FastifyInstance, { database }: Services, preHandler: SessionGuard): void {
  const schema = {
    summary: 'Pay an order',
    headers: keySchema,
    params: orderParameters,
    response: { 201: paymentSchema, 404: failureSchema, ...keyedFailures },
  };
  app.post<{ Params: { id: string } }>('/orders/:id/pay', { schema, preHandler }, async (request, reply) => {
    const { customerId } = sessionOf(request);
    const orderId = request.params.id;
    const keyed = { scope: String(customerId), key: keyOf(request), fingerprint: fingerprintOf('POST', `/orders/${orderId}/pay`, null) };
    const answer = await once(
      database,
      keyed,
      async (transaction, at) => ({
        status: 201,
        body: await payOrder(transaction, { customerId, orderId, at }),
      }),
      request.call,
    );
    return sendAnswer(reply, answer);
  });
}

function reading(app: FastifyInstance, { database }: Services, preHandler: SessionGuard): void {
  const listSchema = {
    summary: "The customer's orders, newest first",
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: { limit: { type: 'string', pattern: '^([1-9][0-9]?|100)$', description: '1 to 100; 20 when absent.' } },
    },
    response: {
      200: { type: 'object', properties: { orders: { type: 'array', items: orderSchema } } },
      ...sessionFailures,
    },
  };
  app.get<{ Querystring: { limit?: string } }>('/orders', { schema: listSchema, preHandler }, async (request, reply) => {
    reply.header('cache-control', 'private, no-store');
    const limit = Number(request.query.limit ?? 20);
    return { orders: await ordersOf(database, request.call, sessionOf(request).customerId, limit) };
  });

  const oneSchema = {
    summary: 'One order',
    params: orderParameters,
    response: { 200: orderSchema, 404: failureSchema, ...sessionFailures },
  };
  app.get<{ Params: { id: string } }>('/orders/:id', { schema: oneSchema, preHandler }, async (request, reply) => {
    reply.header('cache-control', 'private, no-store');
    const { id } = request.params;
    const order = await orderOfCustomer(database, request.call, sessionOf(request).customerId, id);
    if (order === null) throw new Failure(404, 'not_found', `You have no order ${id}.`);
    return order;
  });
}

/** The schema has checked that it is there. */
function keyOf(request: FastifyRequest): string {
  return String(request.headers['idempotency-key']);
}

function sendAnswer(reply: FastifyReply, { value, replayed }: KeyedAnswer<{ status: number; body: object }>): FastifyReply {
  if (replayed) reply.header('idempotency-replayed', 'true');
  reply.header('cache-control', 'no-store');
  return reply.code(value.status).send(value.body);
}
