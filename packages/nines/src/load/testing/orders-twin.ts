/** A small twin of the orders API in this process, whose answers a test can spoil. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StoredOrder } from '../../checkers/order-set.ts';

/** What becomes of one request: the twin does its work before or after, or not at all. */
export type Fate =
  | { kind: 'serve'; delayMs?: number }
  /** Answers this status without doing anything. */
  | { kind: 'refuse'; status: number }
  /** Never answers; `done`: the work is done all the same. */
  | { kind: 'silence'; done: boolean }
  /** Resets the connection; `done`: after the work is done. */
  | { kind: 'reset'; done: boolean };

export interface TwinRequest {
  method: string;
  path: string;
  key: string | undefined;
  /** Counts the requests of this twin. */
  index: number;
  /** How many requests came on this connection before. */
  connectionAge: number;
}

export class OrdersTwin {
  readonly orders: StoredOrder[] = [];
  readonly sessions = new Map<string, string>();
  fate: (request: TwinRequest) => Fate = () => ({ kind: 'serve' });
  requests = 0;
  readonly #server = createServer((request, response) => this.#take(request, response));
  readonly #ages = new WeakMap<object, number>();

  async listen(host: string, port = 0): Promise<{ host: string; port: number }> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    return { host, port: (this.#server.address() as AddressInfo).port };
  }

  /** As kill -9 would: refuses from now on, resets what is open. */
  async die(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    request.on('error', () => undefined);
    request.on('end', () => this.#decide(request, response, text));
  }

  #decide(request: IncomingMessage, response: ServerResponse, text: string): void {
    const age = this.#ages.get(request.socket) ?? 0;
    this.#ages.set(request.socket, age + 1);
    const key = request.headers['idempotency-key'] as string | undefined;
    const [method, path] = [request.method ?? '', (request.url ?? '').split('?')[0] ?? ''];
    const fate = this.fate({ method, path, key, index: this.requests, connectionAge: age });
    this.requests += 1;
    const answer = () => this.#work(method, path, key, request.headers.authorization, text);
    if (fate.kind === 'refuse') send(response, fate.status, { error: 'spoilt' });
    else if (fate.kind === 'serve') {
      const [status, body] = answer();
      setTimeout(() => send(response, status, body), fate.delayMs ?? 0);
    } else {
      if (fate.done) answer();
      if (fate.kind === 'reset') request.socket.resetAndDestroy();
    }
  }

  #work(method: string, path: string, key: string | undefined, authorization: string | undefined, text: string): [number, unknown] {
    if (path === '/login') {
      const token = randomUUID();
      this.sessions.set(token, (JSON.parse(text) as { name: string }).name);
      return [200, { token }];
    }
    if (path === '/products') return [200, { products: Array.from({ length: 20 }, (_, index) => ({ id: index + 1 })) }];
    if (path.startsWith('/products/')) return [200, { id: Number(path.slice(10)) }];
    const customer = this.sessions.get(authorization?.slice('Bearer '.length) ?? '');
    if (customer === undefined) return [401, { error: 'not_logged_in' }];
    if (method === 'POST' && path === '/orders') {
      const known = this.orders.find((order) => order.key === key && order.customer === customer);
      if (known !== undefined) return [201, { id: known.id }];
      const order = { id: randomUUID(), key: key ?? null, customer };
      this.orders.push(order);
      return [201, { id: order.id }];
    }
    if (path === '/orders') {
      const mine = this.orders.filter((order) => order.customer === customer);
      return [200, { orders: mine.map((order) => ({ id: order.id })) }];
    }
    return [200, {}];
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), 'x-instance': 'twin' });
  response.end(text);
}
