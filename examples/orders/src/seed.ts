/** The catalogue to start with. Adds what is missing and never touches what is there. */
import type pg from 'pg';

const GOODS = ['Kettle', 'Teapot', 'Mug', 'Grinder', 'Filter', 'Scale', 'Thermos', 'Tray', 'Spoon', 'Jar'];
const MAKES = ['Steel', 'Copper', 'Glass', 'Enamel'];

/** Enough that no load test sells it out. */
const STOCK = 1_000_000;

export interface SeedProduct {
  sku: string;
  name: string;
  priceCents: number;
}

/** Always the same forty. */
export function seedProducts(): SeedProduct[] {
  return MAKES.flatMap((make, row) =>
    GOODS.map((good, column) => ({
      sku: `${make}-${good}`.toLowerCase(),
      name: `${make} ${good.toLowerCase()}`,
      priceCents: 490 + row * 1_000 + column * 250,
    })),
  );
}

/** Resolves with the number of products that were new. */
export async function seed(client: pg.ClientBase): Promise<number> {
  const products = seedProducts();
  const result = await client.query(
    `INSERT INTO products (sku, name, price_cents, stock)
     SELECT sku, name, price_cents, $4 FROM unnest($1::text[], $2::text[], $3::int[]) AS new (sku, name, price_cents)
     ON CONFLICT (sku) DO NOTHING`,
    [products.map(({ sku }) => sku), products.map(({ name }) => name), products.map(({ priceCents }) => priceCents), STOCK],
  );
  return result.rowCount ?? 0;
}
