/** One instance: starts, warms up, serves, drains. */
import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from './app.ts';
import { Catalogue } from './catalogue.ts';
import { type Config, readConfig } from './config.ts';
import { Database } from './database/database.ts';
import { Deadline } from './deadline.ts';
import { DependencyLog, type Log } from './dependency-log.ts';
import { drain } from './drain.ts';
import { DependencyChecks, Life } from './health.ts';
import { InFlight } from './in-flight.ts';
import { createMetrics } from './metrics.ts';
import type { Services } from './services.ts';
import { connectRedis } from './sessions/redis.ts';
import { Sessions } from './sessions/sessions.ts';

/** After this the instance serves what it can without the dependency that is away. */
const WARM_UP_PATIENCE_MS = 5_000;

/** Handed out before the application is there whose log it is. */
class LateLog implements Log {
  target: Log | null = null;

  info(fields: object, message: string): void {
    this.target?.info(fields, message);
  }

  warn(fields: object, message: string): void {
    this.target?.warn(fields, message);
  }

  error(fields: object, message: string): void {
    this.target?.error(fields, message);
  }
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = new LateLog();
  const services = createServices(config, log);
  const app = createApp(services, { log: true });
  log.target = app.log;
  stopOnSignal(config, services, app, log);
  await app.listen({ host: config.host, port: config.port });
  await warmUp(services, log);
  services.life.serve();
  log.info({ state: services.life.state }, 'ready');
  // Node writes it when it exits in good order: a first life that ends by kill -9 would leave the next one a slow start.
  flushCompileCache();
}

function createServices(config: Config, log: Log): Services {
  const database = new Database(config.database, new DependencyLog('database', log));
  const sessions = new Sessions(connectRedis(config.redis), new DependencyLog('redis', log));
  const inFlight = new InFlight();
  const checkTimeoutMs = 300;
  const checks = new DependencyChecks(
    [
      {
        name: 'database',
        ask: () => database.run(new Deadline(checkTimeoutMs), { name: 'check', text: 'SELECT 1 AS one' }),
      },
      { name: 'redis', ask: () => sessions.check() },
    ],
    { freshMs: 1_000, timeoutMs: checkTimeoutMs },
  );
  return {
    catalogue: new Catalogue(database, config.requestDeadlineMs),
    database,
    sessions,
    checks,
    inFlight,
    life: new Life(),
    metrics: createMetrics(database, inFlight),
    instance: config.instance,
    requestDeadlineMs: config.requestDeadlineMs,
  };
}

/** Both at once, each until it works; never rejects, since an instance without a dependency is better than none. */
async function warmUp(services: Services, log: Log): Promise<void> {
  const signal = AbortSignal.timeout(WARM_UP_PATIENCE_MS);
  const results = await Promise.allSettled([warmDatabase(services.database, signal), services.sessions.warm(signal)]);
  for (const result of results) {
    if (result.status === 'rejected') log.warn({ reason: String(result.reason) }, 'serving without a dependency');
  }
}

async function warmDatabase(database: Database, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await database.warm();
    } catch (error) {
      if (signal.aborted) throw error;
      await delay(100);
    }
  }
}

function stopOnSignal(config: Config, services: Services, app: ReturnType<typeof createApp>, log: Log): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ signal, inFlight: services.inFlight.count() }, 'stopping');
    const steps = {
      refuseReadiness: () => services.life.stop(),
      closeListener: () => void app.server.close(),
      inFlight: () => services.inFlight.names(),
      whenIdle: () => services.inFlight.whenIdle(),
      closePools: async () => {
        services.sessions.close();
        await services.database.close();
      },
    };
    const clock = {
      nowMs: () => performance.now(),
      wait: (durationMs: number, until: AbortSignal) => delay(durationMs, undefined, { signal: until }).catch(() => undefined),
    };
    const { exitCode, stillRunning } = await drain(steps, config, clock);
    if (exitCode === 0) log.info({}, 'stopped');
    else log.error({ stillRunning }, `not finished within ${config.stopMs} ms`);
    process.exit(exitCode);
  };
  process.on('SIGTERM', (signal) => void stop(signal));
  process.on('SIGINT', (signal) => void stop(signal));
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  process.exit();
});
