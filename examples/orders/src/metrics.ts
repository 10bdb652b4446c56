/** What Prometheus reads. One registry per application, so that tests do not share counters. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { Database } from '@nines/runtime';

export interface Metrics {
  answered(method: string, route: string, status: number, seconds: number): void;
  /** Text exposition and its content type. */
  render(): Promise<{ text: string; contentType: string }>;
}

export function createMetrics(database: Pick<Database, 'connections'>, inFlight: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered, without health checks and scrapes.',
    labelNames: ['status', 'method', 'route'],
    registers,
  });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to the end of its answer.',
    labelNames: ['method', 'route'],
    // Around the deadlines that matter: 800 ms for the answer, 1 s for the gateway, 2 s and 3 s for the client.
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1, 2, 3],
    registers,
  });
  gauge(registers, 'http_requests_in_flight', 'Requests at work.', inFlight);
  gauge(registers, 'database_pool_open', 'Connections to PostgreSQL.', () => database.connections().open);
  gauge(registers, 'database_pool_idle', 'Connections to PostgreSQL that wait for work.', () => database.connections().idle);
  gauge(registers, 'database_pool_waiting', 'Requests that wait for a connection.', () => database.connections().waiting);
  processGauges(registers);
  return {
    answered: (method, route, status, seconds) => {
      requests.inc({ status: String(status), method, route });
      durations.observe({ method, route }, seconds);
    },
    render: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  };
}

/** The client's own set samples the event loop 100 times a second; six idle instances would be seen on two cores. */
function processGauges(registers: Registry[]): void {
  const startedAt = Date.now() / 1_000 - process.uptime();
  gauge(registers, 'process_start_time_seconds', 'Start of the process, Unix time.', () => startedAt);
  gauge(registers, 'process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  gauge(registers, 'nodejs_heap_used_bytes', 'Used JavaScript heap.', () => process.memoryUsage().heapUsed);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the process, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const delay = monitorEventLoopDelay({ resolution: 100 });
  delay.enable();
  gauge(registers, 'nodejs_eventloop_lag_p99_seconds', 'Delay of timers since the last scrape, 99th percentile.', () => {
    const p99Ns = delay.percentile(99);
    delay.reset();
    return p99Ns / 1e9;
  });
}

function gauge(registers: Registry[], name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(value());
    },
  });
}
