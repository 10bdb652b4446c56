import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprintOf } from '@nines/runtime';
import { type Item, normalisedItems, pricedLines, type StockedProduct } from './cart.ts';

const product = (id: number, stock: number): StockedProduct => ({ id, name: `p${id}`, priceCents: 10 * id, stock });

const carts = fc.uniqueArray(fc.record({ productId: fc.integer({ min: 1, max: 50 }), quantity: fc.integer({ min: 1, max: 9 }) }), {
  selector: (item) => item.productId,
  minLength: 1,
  maxLength: 10,
});

test('property: the order of the items does not change what is asked for', () => {
  const fingerprint = (items: Item[]): string => fingerprintOf('POST', '/orders', normalisedItems(items));
  fc.assert(
    fc.property(carts, fc.integer(), (items, turn) => {
      const at = Math.abs(turn) % items.length;
      const turned = [...items.slice(at), ...items.slice(0, at)].toReversed();
      expect(fingerprint(turned)).toBe(fingerprint(items));
    }),
  );
});

test('property: another quantity, or another product, is another request', () => {
  const fingerprint = (items: Item[]): string => fingerprintOf('POST', '/orders', normalisedItems(items));
  fc.assert(
    fc.property(carts, (items) => {
      const [first, ...rest] = items as [Item, ...Item[]];
      expect(fingerprint([{ ...first, quantity: first.quantity + 1 }, ...rest])).not.toBe(fingerprint(items));
      expect(fingerprint([{ ...first, productId: first.productId + 1_000 }, ...rest])).not.toBe(fingerprint(items));
    }),
  );
});

test('property: a cart is priced whole or refused whole, and never takes more than there is', () => {
  fc.assert(
    fc.property(
      carts,
      fc.array(fc.record({ id: fc.integer({ min: 1, max: 50 }), stock: fc.integer({ min: 0, max: 9 }) })),
      (items, stocks) => {
        const products = [...new Map(stocks.map(({ id, stock }) => [id, product(id, stock)])).values()];
        const stockOf = (id: number): number => products.find((one) => one.id === id)?.stock ?? 0;
        const enough = items.every((item) => stockOf(item.productId) >= item.quantity);
        if (!enough) {
          expect(() => pricedLines(items, products)).toThrow();
          return;
        }
        const { lines, totalCents } = pricedLines(items, products);
        expect(lines.map(({ productId, quantity }) => ({ productId, quantity }))).toEqual(items);
        expect(totalCents).toBe(items.reduce((sum, item) => sum + item.quantity * item.productId * 10, 0));
      },
    ),
  );
});

test('says which product is missing, short or doubled', () => {
  expect(() => pricedLines([{ productId: 7, quantity: 1 }], [])).toThrow('no product 7');
  expect(() => pricedLines([{ productId: 7, quantity: 3 }], [product(7, 2)])).toThrow('only 2 are left, 3 were asked for');
  expect(() =>
    normalisedItems([
      { productId: 7, quantity: 1 },
      { productId: 7, quantity: 2 },
    ]),
  ).toThrow('product 7 appears twice');
});
