/** JSON schemas of orders: they validate requests and describe the API. */
import { failureSchema } from '../failure.ts';

export const uuidSchema = {
  type: 'string',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
} as const;

/** int4, the type of the columns. */
export const INTEGER_MAX = 2_147_483_647;

export const orderBodySchema = {
  type: 'object',
  required: ['items'],
  additionalProperties: false,
  properties: {
    items: {
      type: 'array',
      minItems: 1,
      maxItems: 50,
      items: {
        type: 'object',
        required: ['productId', 'quantity'],
        additionalProperties: false,
        properties: {
          productId: { type: 'integer', minimum: 1, maximum: INTEGER_MAX },
          quantity: { type: 'integer', minimum: 1, maximum: 1_000 },
        },
      },
    },
  },
} as const;

export const orderSchema = {
  type: 'object',
  required: ['id', 'status', 'totalCents', 'createdAt', 'items'],
  properties: {
    id: uuidSchema,
    status: { type: 'string', enum: ['placed', 'paid'] },
    totalCents: { type: 'integer' },
    createdAt: { type: 'string', format: 'date-time' },
    items: {
      type: 'array',
      items: {
        type: 'object',
        required: ['productId', 'name', 'quantity', 'priceCents'],
        properties: {
          productId: { type: 'integer' },
          name: { type: 'string' },
          quantity: { type: 'integer' },
          priceCents: { type: 'integer' },
        },
      },
    },
  },
} as const;

export const paymentSchema = {
  type: 'object',
  required: ['id', 'orderId', 'amountCents', 'createdAt'],
  properties: {
    id: uuidSchema,
    orderId: uuidSchema,
    amountCents: { type: 'integer' },
    createdAt: { type: 'string', format: 'date-time' },
  },
} as const;

export const orderParameters = { type: 'object', required: ['id'], properties: { id: uuidSchema } } as const;

/** The answers that every route with a session, or with a key, may give. */
export const sessionFailures = { 400: failureSchema, 401: failureSchema, 503: failureSchema } as const;
export const keyedFailures = {
  ...sessionFailures,
  409: failureSchema,
  422: failureSchema,
} as const;

export const keySchema = {
  type: 'object',
  required: ['idempotency-key'],
  properties: {
    'idempotency-key': {
      type: 'string',
      pattern: '^[!-~]{1,255}$',
      description: 'Chosen by the client, one per intended effect; repeated with every retry.',
    },
  },
} as const;
