import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

const DATABASE_URL = 'postgres://app:top-secret@10.1.0.2:5432/app';

test('reads what the agent gives', () => {
  const config = readConfig(
    {
      HOST: '10.1.0.1',
      PORT: '3001',
      NINES_INSTANCE: 'orders-1',
      NINES_ZONE: 'a',
      NINES_DRAIN_MS: '900',
      NINES_STOP_MS: '10000',
      NINES_REQUEST_MS: '1000',
      NINES_CA_FILE: '/id/ca.pem',
      DATABASE_URL,
      REDIS_SENTINELS: '10.1.0.1:26379,10.1.0.2:26379',
      REDIS_MASTER: 'cache',
      REDIS_USERNAME: 'app',
      REDIS_PASSWORD: 'secret',
    },
    (path) => `content of ${path}`,
  );
  expect(config).toMatchObject({
    host: '10.1.0.1',
    port: 3001,
    instance: { name: 'orders-1', zone: 'a' },
    drainMs: 900,
    database: { url: DATABASE_URL, ca: 'content of /id/ca.pem' },
    redis: {
      where: {
        masterName: 'cache',
        sentinels: [
          { host: '10.1.0.1', port: 26379 },
          { host: '10.1.0.2', port: 26379 },
        ],
      },
      username: 'app',
      ca: 'content of /id/ca.pem',
    },
  });
});

test('every deadline is shorter than that of its caller', () => {
  const { requestDeadlineMs, redis } = readConfig({ DATABASE_URL, REDIS_URL: 'redis://h:6379', NINES_REQUEST_MS: '1500' });
  expect(requestDeadlineMs).toBeLessThan(1_500);
  expect(redis.commandTimeoutMs).toBeLessThan(requestDeadlineMs);
});

test('names every wrong variable at once, and no secret', () => {
  const wrong = { PORT: 'http', DATABASE_URL: 'mysql://u:top-secret@h/d', REDIS_SENTINELS: 'here', NINES_CA_FILE: '/nowhere/ca.pem' };
  let message = '';
  try {
    readConfig(wrong);
  } catch (error) {
    message = (error as Error).message;
  }
  for (const name of ['PORT', 'DATABASE_URL', 'REDIS_SENTINELS', 'REDIS_MASTER', 'NINES_CA_FILE']) expect(message).toContain(name);
  expect(message).not.toContain('top-secret');
});

test('a plain Redis is enough to run it at home', () => {
  expect(readConfig({ DATABASE_URL, REDIS_URL: 'redis://localhost:6379' }).redis.where).toEqual({ url: 'redis://localhost:6379' });
});
