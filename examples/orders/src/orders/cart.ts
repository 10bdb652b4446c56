/** What a customer asks for, checked against what there is. Pure. */
import { Failure } from '../failure.ts';

export interface Item {
  productId: number;
  quantity: number;
}

export interface StockedProduct {
  id: number;
  name: string;
  priceCents: number;
  stock: number;
}

export interface Line extends Item {
  name: string;
  priceCents: number;
}

/** In order of product, so that equal carts have one fingerprint and every transaction locks in the same order. */
export function normalisedItems(items: Item[]): Item[] {
  const sorted = items.map(({ productId, quantity }) => ({ productId, quantity }));
  sorted.sort((left, right) => left.productId - right.productId);
  for (const [index, item] of sorted.entries()) {
    if (sorted[index + 1]?.productId !== item.productId) continue;
    throw new Failure(400, 'invalid_request', `body/items: product ${item.productId} appears twice`);
  }
  return sorted;
}

/** Prices the cart; refuses the whole of it when one product is unknown (422) or short (409). */
export function pricedLines(items: Item[], products: StockedProduct[]): { lines: Line[]; totalCents: number } {
  const known = new Map(products.map((product) => [product.id, product]));
  const lines = items.map((item) => {
    const product = known.get(item.productId);
    if (product === undefined) throw new Failure(422, 'unknown_product', `There is no product ${item.productId}.`);
    if (product.stock < item.quantity) {
      const message = `Of product ${product.id} only ${product.stock} are left, ${item.quantity} were asked for.`;
      throw new Failure(409, 'out_of_stock', message);
    }
    return { ...item, name: product.name, priceCents: product.priceCents };
  });
  const totalCents = lines.reduce((sum, line) => sum + line.priceCents * line.quantity, 0);
  return { lines, totalCents };
}
