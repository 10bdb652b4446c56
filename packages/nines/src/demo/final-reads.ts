/** The orders as the API lists them when everything is whole again: the reads that the checker judges by. */
import type { ListedOrders } from '../checkers/order-set.ts';
import type { Target } from '../load/connection.ts';

/** The API's longest page; customers are so many that a demo stays below it. */
const PAGE = 100;
const WIDTH = 8;
const TRIES = 3;
const CALL_TIMEOUT_MS = 5000;

/**
 * `acknowledged`: customer -> ids of acknowledged orders. A customer whose orders cannot be read, or not
 * until the signal, has `orderIds` null.
 */
export async function listedOrders(target: Target, acknowledged: Map<string, string[]>, signal: AbortSignal): Promise<ListedOrders[]> {
  const waiting = [...acknowledged];
  const listed: ListedOrders[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [customer, orderIds] = next;
      listed.push({ customer, orderIds: await persistently(() => ordersOf(target, customer, orderIds, signal), signal) });
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, work));
  return listed;
}

async function ordersOf(target: Target, customer: string, acknowledged: string[], signal: AbortSignal): Promise<string[]> {
  const base = `http://${target.host}:${target.port}`;
  const login = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: customer }) };
  const { token } = (await call(`${base}/login`, login, signal)) as { token: string };
  const headers = { authorization: `Bearer ${token}` };
  const { orders } = (await call(`${base}/orders?limit=${PAGE}`, { headers }, signal)) as { orders: { id: string }[] };
  const ids = orders.map((order) => order.id);
  if (ids.length < PAGE) return ids;
  // The page is full: older ones may be behind it, so each is asked for by its own address.
  for (const id of acknowledged.filter((one) => !ids.includes(one))) {
    if ((await call(`${base}/orders/${id}`, { headers }, signal)) !== null) ids.push(id);
  }
  return ids;
}

/** null for 404; rejects for everything else that is not well. */
async function call(url: string, init: RequestInit, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]) });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.json();
}

async function persistently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch {
      if (attempt === TRIES || signal.aborted) return null;
    }
  }
}
