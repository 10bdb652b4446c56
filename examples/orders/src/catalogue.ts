/** The catalogue: the same for everybody, so every cache on the way may keep it for a moment. */
import { createHash } from 'node:crypto';
import { Cached, type CachedAnswer, type Database } from '@nines/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';

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

/**
 * Shows the stock, so it is fresh for one second; while a new one is on its way an old one will do, and while nothing better can be
 * had one of a day ago is better than an error: placing an order checks the stock anyway.
 */
const FRESH_S = 1;
const WHILE_REVALIDATE_S = 10;
const IF_ERROR_S = 86_400;
const CACHE_CONTROL = `public, max-age=${FRESH_S}, stale-while-revalidate=${WHILE_REVALIDATE_S}, stale-if-error=${IF_ERROR_S}`;
const KEPT = { ttlMs: FRESH_S * 1_000, staleWhileRevalidateMs: WHILE_REVALIDATE_S * 1_000, staleIfErrorMs: IF_ERROR_S * 1_000 };

export class Catalogue {
  readonly #pages: Cached<Product[]>;
  readonly #products: Cached<Product | null>;

  /** A question to the database has a time of its own, whoever waits for its answer. */
  constructor(database: Pick<Database, 'run'>) {
    this.#pages = new Cached(async (after) => pageAfter(database, Number(after)), KEPT);
    this.#products = new Cached(async (id) => productById(database, Number(id)), KEPT);
  }

  /** The page that follows the product `after`, in order of id. */
  async page(after: number): Promise<CachedAnswer<Product[]>> {
    return this.#pages.get(String(after));
  }

  async product(id: number): Promise<CachedAnswer<Product | null>> {
    return this.#products.get(String(id));
  }
}

async function pageAfter(database: Pick<Database, 'run'>, after: number): Promise<Product[]> {
  return database.run<Product>({
    name: 'products',
    text: `${SELECT_PRODUCTS} WHERE id > $1 ORDER BY id LIMIT ${PAGE}`,
    values: [after],
  });
}

async function productById(database: Pick<Database, 'run'>, id: number): Promise<Product | null> {
  const [product] = await database.run<Product>({
    name: 'product-by-id',
    text: `${SELECT_PRODUCTS} WHERE id = $1`,
    values: [id],
  });
  return product ?? null;
}

/** An old one says so: `Age` for caches, `Warning` for people. 304 when the client has this very answer. */
export function sendCacheable(
  request: FastifyRequest,
  reply: FastifyReply,
  body: object,
  { ageMs, stale }: Pick<CachedAnswer<unknown>, 'ageMs' | 'stale'>,
): FastifyReply {
  const payload = JSON.stringify(body);
  const tag = `"${createHash('sha1').update(payload).digest('base64url')}"`;
  reply.header('cache-control', CACHE_CONTROL);
  reply.header('age', String(Math.floor(ageMs / 1_000)));
  if (stale) reply.header('warning', '110 - "Response is Stale"');
  reply.header('etag', tag);
  if (matches(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(payload);
}

/** RFC 9110: a list of tags, weak ones compare as strong ones, `*` matches anything. */
export function matches(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag);
}
