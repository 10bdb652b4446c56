/** The load on the orders API: customers with sessions who browse, order and pay. */
import type { Target } from './connection.ts';
import { requestBytes, type RequestWords } from './http-request.ts';
import type { HttpAnswer } from './http-response.ts';
import { operationAt } from './orders-mix.ts';
import type { Operation, RequestRecord } from './record.ts';
import type { PlannedRequest, Scenario } from './scenario.ts';

export interface OrdersScenarioOptions {
  target: Target;
  /** Part of every customer's name and every key, so that runs against one system do not meet. */
  runId: string;
  customers: number;
}

interface Customer {
  name: string;
  token: string | undefined;
  /** When the session was opened, on the run's clock. */
  sinceMs: number;
  /** A login is under way. */
  loggingIn: boolean;
}

interface PlacedOrder {
  id: string;
  customer: Customer;
}

/** Orders kept for reading and paying; older ones are forgotten. */
const REMEMBERED_ORDERS = 1000;
/** Irrational, so that who asks, for what, and which operation it is never fall into step. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const ROOT_TWO = Math.SQRT2 - 1;

export class OrdersScenario implements Scenario {
  readonly #options: OrdersScenarioOptions;
  readonly #customers: Customer[];
  readonly #byName: Map<string, Customer>;
  readonly #unpaid: PlacedOrder[] = [];
  readonly #placed: PlacedOrder[] = [];
  /** Ids of the catalogue; the preparation learns them. */
  #products: number[] = [];

  constructor(options: OrdersScenarioOptions) {
    this.#options = options;
    this.#customers = Array.from({ length: options.customers }, (_, index) => ({
      name: `${options.runId}-${index}`,
      token: undefined,
      sinceMs: 0,
      loggingIn: false,
    }));
    this.#byName = new Map(this.#customers.map((customer) => [customer.name, customer]));
  }

  preparation(): PlannedRequest[] {
    const anybody = this.#customers[0] as Customer;
    const catalogue = this.#request('products', anybody, { method: 'GET', path: '/products' });
    const learn = (answer: HttpAnswer) => {
      const ids = productIds(answer);
      if (ids.length === 0) return 'unusable';
      this.#products = ids;
      return { value: null };
    };
    return [{ ...catalogue, accept: learn }, ...this.#customers.map((customer) => this.#login(customer))];
  }

  plan(index: number): PlannedRequest {
    const customer = this.#customers[spread(index, GOLDEN, this.#customers.length)] as Customer;
    const operation = operationAt(index);
    switch (operation) {
      case 'placeOrder':
        return this.#placeOrder(index, customer);
      case 'pay': {
        const order = this.#unpaid.shift();
        return order === undefined ? this.#read('orders', customer, '/orders') : this.#pay(index, order);
      }
      case 'order': {
        const order = this.#placed[spread(index, ROOT_TWO, this.#placed.length)];
        if (order === undefined) return this.#read('orders', customer, '/orders');
        return { ...this.#read('order', order.customer, `/orders/${order.id}`), value: order.id };
      }
      case 'product':
        return this.#read('product', customer, `/products/${this.#productAt(index)}`);
      case 'orders':
        return this.#read('orders', customer, '/orders?limit=10');
      case 'session':
        // The lightest request that needs a session: mostly a look into Redis.
        return this.#read('session', customer, '/orders?limit=1');
      default:
        return this.#read('products', customer, '/products');
    }
  }

  finished(record: RequestRecord): PlannedRequest[] {
    const customer = this.#byName.get(record.process);
    if (customer === undefined) return [];
    if (record.f === 'login') {
      customer.loggingIn = false;
      if (record.class === 'ok') customer.sinceMs = record.doneMs;
      // A login that failed is tried again by the customer's next request: at once would be a hammer.
      return [];
    }
    if (record.f === 'placeOrder' && record.class === 'ok' && record.value !== null) this.#remember(record.value, customer);
    // The session is gone: that request has failed, and the next ones need a new login.
    if (record.status === 401 && record.sentMs >= customer.sinceMs) customer.token = undefined;
    if (customer.token !== undefined || customer.loggingIn) return [];
    customer.loggingIn = true;
    return [this.#login(customer)];
  }

  #productAt(index: number): number {
    return this.#products[spread(index, ROOT_TWO, this.#products.length)] as number;
  }

  #remember(id: string, customer: Customer): void {
    for (const list of [this.#placed, this.#unpaid]) {
      list.push({ id, customer });
      if (list.length > REMEMBERED_ORDERS) list.shift();
    }
  }

  #login(customer: Customer): PlannedRequest {
    const accept = (answer: HttpAnswer) => {
      const token = field(answer, 'token');
      if (token === null) return 'unusable';
      customer.token = token;
      return { value: null };
    };
    return { ...this.#request('login', customer, { method: 'POST', path: '/login', body: { name: customer.name } }), accept };
  }

  #placeOrder(index: number, customer: Customer): PlannedRequest {
    const key = `${this.#options.runId}-order-${index}`;
    const items = [{ productId: this.#productAt(index), quantity: 1 }];
    const accept = (answer: HttpAnswer) => {
      const id = field(answer, 'id');
      return id === null ? 'unusable' : { value: id };
    };
    return { ...this.#request('placeOrder', customer, { method: 'POST', path: '/orders', key, body: { items } }), accept };
  }

  #pay(index: number, order: PlacedOrder): PlannedRequest {
    const key = `${this.#options.runId}-pay-${index}`;
    const paying = this.#request('pay', order.customer, { method: 'POST', path: `/orders/${order.id}/pay`, key });
    return { ...paying, value: order.id, accept: () => ({ value: order.id }) };
  }

  #read(f: Operation, customer: Customer, path: string): PlannedRequest {
    return this.#request(f, customer, { method: 'GET', path });
  }

  #request(f: Operation, customer: Customer, words: RequestWords): PlannedRequest {
    const isPublic = f === 'products' || f === 'product' || f === 'login';
    const bytes = requestBytes(this.#options.target, isPublic ? words : { ...words, token: customer.token });
    return { f, process: customer.name, key: words.key ?? null, value: null, bytes, accept: () => ({ value: null }) };
  }
}

/** The k-th of evenly spread whole numbers below `count`. */
function spread(index: number, ratio: number, count: number): number {
  return Math.floor(((index * ratio) % 1) * count);
}

function parsed(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    return null;
  }
}

function field(answer: HttpAnswer, name: string): string | null {
  const body = parsed(answer);
  if (typeof body !== 'object' || body === null) return null;
  const value = (body as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Of `{products: [...]}` or of a bare list. */
function productIds(answer: HttpAnswer): number[] {
  const body = parsed(answer);
  const list = Array.isArray(body) ? body : (body as { products?: unknown } | null)?.products;
  if (!Array.isArray(list)) return [];
  return list.map((product) => Number((product as { id?: unknown }).id)).filter(Number.isSafeInteger);
}
