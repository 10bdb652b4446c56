/** One instance: starts, warms up, serves, drains. */
import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { createDatabase, createLifecycle, type Database } from '@nines/runtime';
import { createApp } from './app.ts';
import { Catalogue } from './catalogue.ts';
import { type Config, readConfig } from './config.ts';
import { DependencyLog, type Log } from './dependency-log.ts';
import { createMetrics } from './metrics.ts';
import type { Services } from './services.ts';
import { connectRedis } from './sessions/redis.ts';
import { Sessions } from './sessions/sessions.ts';

/** After this the instance serves what it can without the dependency that is away. */
const WARM_UP_PATIENCE_MS = 5_000;
const CHECK_TIMEOUT_MS = 300;

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
  services.lifecycle.stopOnSignals();
  await app.listen({ host: config.host, port: config.port });
  await warmUp(services, config, log);
  services.lifecycle.serve();
  // Node writes it when it exits in good order: a first life that ends by kill -9 would leave the next one a slow start.
  flushCompileCache();
}

function createServices(config: Config, log: Log): Services {
  const database = connectDatabase(config, new DependencyLog('database', log));
  const sessions = new Sessions(connectRedis(config.redis), new DependencyLog('redis', log));
  const metrics = createMetrics(database, () => lifecycle.inFlight.count());
  const lifecycle = createLifecycle({
    requestMs: config.requestDeadlineMs,
    drainMs: config.drainMs,
    stopMs: config.stopMs,
    dependencies: {
      database: () => database.run({ name: 'check', text: 'SELECT 1 AS one' }),
      redis: () => sessions.check(),
    },
    checkTimeoutMs: CHECK_TIMEOUT_MS,
    close: async () => {
      sessions.close();
      await database.close();
    },
    metrics: () => metrics.render(),
    log,
  });
  return {
    catalogue: new Catalogue(database),
    database,
    sessions,
    lifecycle,
    metrics,
    instance: config.instance,
  };
}

function connectDatabase({ database, requestDeadlineMs }: Config, watch: DependencyLog): Database {
  return createDatabase({
    requestMs: requestDeadlineMs,
    watch,
    pg: {
      connectionString: database.url,
      // Made once: to read the authority's certificate again for each connection costs more than the handshake.
      ...(database.ca === null ? {} : { ssl: { secureContext: createSecureContext({ ca: database.ca }) } }),
      application_name: database.applicationName,
      min: database.poolMin,
      max: database.poolMax,
    },
  });
}

/** Both at once, each until it works; never rejects, since an instance without a dependency is better than none. */
async function warmUp(services: Services, config: Config, log: Log): Promise<void> {
  const signal = AbortSignal.timeout(WARM_UP_PATIENCE_MS);
  const results = await Promise.allSettled([
    warmDatabase(services.database, config.database.poolMin, signal),
    services.sessions.warm(signal),
  ]);
  for (const result of results) {
    if (result.status === 'rejected') log.warn({ reason: String(result.reason) }, 'serving without a dependency');
  }
}

async function warmDatabase(database: Database, connections: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await database.warm(connections);
    } catch (error) {
      if (signal.aborted) throw error;
      await delay(100);
    }
  }
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
  process.exit();
});
