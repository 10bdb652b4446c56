/** Which operation the k-th request is: fixed shares, evenly spread, so that no two of the same kind crowd. Pure. */
import type { Operation } from './record.ts';

/** Per 40 requests: 47.5 % catalogue, 15 % own orders, 10 % session, 22.5 % keyed orders, 5 % payments. */
const SHARES: readonly (readonly [Operation, number])[] = [
  ['products', 8],
  ['product', 11],
  ['orders', 4],
  ['order', 2],
  ['session', 4],
  ['placeOrder', 9],
  ['pay', 2],
];

const CYCLE = SHARES.reduce((sum, [, share]) => sum + share, 0);

/** Smooth weighted round robin, once over: each turn everybody gains its share, and the richest pays the whole. */
function spread(): Operation[] {
  const credit = SHARES.map(() => 0);
  return Array.from({ length: CYCLE }, () => {
    let richest = 0;
    SHARES.forEach(([, share], index) => {
      credit[index] = (credit[index] ?? 0) + share;
      if ((credit[index] ?? 0) > (credit[richest] ?? 0)) richest = index;
    });
    credit[richest] = (credit[richest] ?? 0) - CYCLE;
    return (SHARES[richest] as (typeof SHARES)[number])[0];
  });
}

const ORDER_OF_OPERATIONS: readonly Operation[] = spread();

export function operationAt(index: number): Operation {
  return ORDER_OF_OPERATIONS[index % CYCLE] as Operation;
}
