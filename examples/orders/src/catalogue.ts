/** The catalogue: the same for everybody, so every cache on the way may keep it for a moment. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Database } from './database/database.ts';
import type { Deadline } from './deadline.ts';

export interface Product {
  id: number;
  sku: string;
  name: string;
  priceCents: number;
  stock: number;
}

export const productSchema = {
  type: 'object',
  required: ['id', 'sku', 'name', 'priceCents', 'stock'],
  properties: {
    id: { type: 'integer' },
    sku: { type: 'string' },
    name: { type: 'string' },
    priceCents: { type: 'integer' },
    stock: { type: 'integer' },
  },
} as const;

/** Products per page. */
const PAGE = 100;

const SELECT_PRODUCTS = 'SELECT id, sku, name, price_cents AS "priceCents", stock FROM products';

/** The page that follows the product `after`, in order of id. */
export async function products(database: Database, deadline: Deadline, after: number): Promise<Product[]> {
  return database.run<Product>(deadline, {
    name: 'products',
    text: `${SELECT_PRODUCTS} WHERE id > $1 ORDER BY id LIMIT ${PAGE}`,
    values: [after],
  });
}

export async function productById(database: Database, deadline: Deadline, id: number): Promise<Product | null> {
  const [product] = await database.run<Product>(deadline, {
    name: 'product-by-id',
    text: `${SELECT_PRODUCTS} WHERE id = $1`,
    values: [id],
  });
  return product ?? null;
}

/**
 * Fresh for one second, because it shows the stock; while nothing better can be had, a copy of a day ago is better
 * than an error, and placing an order checks the stock anyway. 304 when the client has this very answer.
 */
export function sendCacheable(request: FastifyRequest, reply: FastifyReply, body: object): FastifyReply {
  const payload = JSON.stringify(body);
  const tag = `"${createHash('sha1').update(payload).digest('base64url')}"`;
  reply.header('cache-control', 'public, max-age=1, stale-while-revalidate=10, stale-if-error=86400');
  reply.header('etag', tag);
  if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(payload);
}

/** RFC 9110: a list of tags, weak ones compare as strong ones, `*` matches anything. */
export function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag);
}
