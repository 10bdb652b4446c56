/** Instances of the example as processes, and a client of them. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { type Child, startChild, until } from './child.ts';
import type { Stores } from './stores.ts';

const FOLDER = join(import.meta.dirname, '../../../examples/orders');

export interface Instance {
  origin: string;
  child: Child;
}

function environment(stores: Stores): Record<string, string> {
  return { DATABASE_URL: stores.databaseUrl, REDIS_URL: stores.redisUrl };
}

/** Does not wait until it is ready. */
export function launchInstance(stores: Stores, host: string, port: number, env: Record<string, string> = {}): Instance {
  const own = { HOST: host, PORT: String(port), NINES_INSTANCE: `orders-${port}`, NINES_ZONE: 'a', ...env };
  const child = startChild([process.execPath, 'src/main.ts'], { cwd: FOLDER, env: { ...environment(stores), ...own } });
  return { origin: `http://${host}:${port}`, child };
}

export async function startInstance(stores: Stores, host: string, port: number, env: Record<string, string> = {}): Promise<Instance> {
  const instance = launchInstance(stores, host, port, env);
  try {
    await until(`${instance.origin} is ready`, async () => (await ask(instance, 'GET', '/ready')).status === 200);
  } catch (error) {
    await instance.child.stop('SIGKILL');
    throw new Error(`${(error as Error).message}\n${instance.child.output()}`, { cause: error });
  }
  return instance;
}

export function migrateOnce(stores: Stores): Child {
  return startChild([process.execPath, 'src/migrate.ts', '--seed'], { cwd: FOLDER, env: environment(stores) });
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Of a JSON answer; empty for others. The assertions say which fields it has. */
  body: AnswerBody;
  tookMs: number;
}

interface AnswerBody {
  id?: string;
  error?: string;
  token?: string;
  totalCents?: number;
  products?: { priceCents: number }[];
  orders?: { status: string }[];
}

export async function ask(
  instance: Pick<Instance, 'origin'>,
  method: 'GET' | 'POST',
  path: string,
  options: { token?: string; key?: string; body?: object } = {},
): Promise<Answer> {
  const startedAt = performance.now();
  const response = await request(`${instance.origin}${path}`, {
    method,
    headers: {
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: options.body === undefined ? null : JSON.stringify(options.body),
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.body.text();
  const isJson = String(response.headers['content-type']).startsWith('application/json');
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    body: isJson ? (JSON.parse(text) as AnswerBody) : {},
    tookMs: performance.now() - startedAt,
  };
}

/** As a client may: again, with the same key, while the answer says that this helps. */
export async function askForSure(...request: Parameters<typeof ask>): Promise<Answer> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await ask(...request);
    if (answer.headers['retry-after'] === undefined) return answer;
    await delay(20);
  }
  throw new Error(`no final answer to ${request[1]} ${request[2]}`);
}

export async function login(instance: Instance, name: string): Promise<string> {
  const answer = await askForSure(instance, 'POST', '/login', { body: { name } });
  if (answer.status !== 200) throw new Error(`login answered ${answer.status}: ${answer.text}`);
  return answer.body.token ?? '';
}
