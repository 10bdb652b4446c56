/** Real Prometheus and Alertmanager: they start small, scrape, evaluate, deliver, reload and restart. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { alertmanager } from '../../packages/nines/src/engines/alertmanager/engine.ts';
import type { UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { gatewaySpec } from '../../packages/nines/src/engines/haproxy/testing/gateway-spec.ts';
import { prometheus } from '../../packages/nines/src/engines/prometheus/engine.ts';
import { materialise } from '../../packages/nines/src/agent/files.ts';
import { type StartedUnit, startUnit } from '../../packages/nines/src/engines/testing/start-unit.ts';
import type { ClusterSpec } from '../../packages/nines/src/topology/cluster-spec.ts';
import { describeLab } from './require-root.ts';

const HOST = '127.0.23.11';

function testSpec(): ClusterSpec {
  const spec = gatewaySpec({
    hosts: { h1: HOST },
    gatewayAddress: '127.0.23.110',
    gateway: { replicas: 0 },
    services: { orders: { replicas: 2 } },
  });
  spec.topology.observe.scrapeIntervalMs = 500;
  for (const engine of ['prometheus', 'alertmanager'] as const) {
    const unit = { name: engine, engine, group: null, host: 'h1', ordinal: 0, slot: 0, initialLeader: false, reason: 'for a test' };
    spec.placement.units.push(unit);
  }
  return spec;
}

/** Prometheus refuses to ask anyone by TLS with a certificate that it cannot read. */
function makeCertificate(folder: string): void {
  const files = ['-keyout', join(folder, 'c.key'), '-out', join(folder, 'c.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', '1', '-subj', '/CN=h1'];
  execFileSync('/usr/bin/openssl', ['req', ...kind, ...files], { stdio: 'ignore' });
  chmodSync(join(folder, 'c.key'), 0o644);
}

describeLab('engine: prometheus and alertmanager', () => {
  const units: StartedUnit[] = [];
  let service: Server;
  let folder: string;
  let spec: ClusterSpec;

  const contextOf = (engine: 'prometheus' | 'alertmanager'): UnitContext => {
    const unit = spec.placement.units.find((candidate) => candidate.engine === engine);
    if (unit === undefined) throw new Error(`no ${engine}`);
    return {
      spec,
      unit,
      paths: { dataDir: join(folder, 'data'), runDir: join(folder, 'run'), projectDir: '/', nodeFile: process.execPath },
      secrets: { postgres: {}, redis: {}, services: {}, other: {} },
      certificate: () => ({ caFile: join(folder, 'c.pem'), certFile: join(folder, 'c.pem'), keyFile: join(folder, 'c.key') }),
    };
  };
  const ask = async (path: string, port = 9090): Promise<unknown> => {
    const answer = await request(`http://${HOST}:${port}${path}`, { signal: AbortSignal.timeout(2_000) });
    return answer.body.json();
  };
  const query = async (expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
    const answer = (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as { data?: { result?: never[] } };
    return answer.data?.result ?? [];
  };
  const until = async (what: string, condition: () => Promise<boolean>, limitMs = 30_000) => {
    const startedAt = performance.now();
    while (!(await condition())) {
      if (performance.now() - startedAt > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
      await delay(100);
    }
  };

  beforeAll(async () => {
    folder = mkdtempSync('/tmp/nines-prometheus-');
    chmodSync(folder, 0o755);
    makeCertificate(folder);
    spec = testSpec();
    service = createServer((_request, response) => response.end('http_requests_total{status="200"} 5\n'));
    service.listen(3000, HOST);
    await once(service, 'listening');
    units.push(await startUnit(alertmanager, contextOf('alertmanager')));
    units.push(await startUnit(prometheus, contextOf('prometheus')));
  });
  afterAll(async () => {
    for (const unit of units) await unit.stop();
    service.closeAllConnections();
    service.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const [prometheusAt, alertmanagerAt] = [1, 0];

  it('scrapes an instance with its zone, host and service', async () => {
    await until('the instance is scraped', async () => (await query('http_requests_total')).length === 1);
    const [sample] = await query('http_requests_total');
    expect(sample?.metric).toMatchObject({ host: 'h1', zone: 'a', service: 'orders', unit: 'orders-0', status: '200' });
    // Each target has its own moment in the interval.
    await until('the other one, which is not there, was asked', async () => (await query('up{job="service-orders"}')).length === 2);
    expect((await query('up{job="service-orders"} == 0')).map((down) => down.metric['unit'])).toEqual(['orders-1']);
  });

  it('delivers an alert to Alertmanager', async () => {
    // The agent of this test host does not exist: HostDown fires after its 15 s.
    await until(
      'HostDown is open in Alertmanager',
      async () => {
        const open = (await ask('/api/v2/alerts', 9093)) as { labels: Record<string, string> }[];
        return open.some((alert) => alert.labels['alertname'] === 'HostDown' && alert.labels['zone'] === 'a');
      },
      60_000,
    );
  });

  it('takes another configuration in by a reload, with the same process', async () => {
    const unit = units[prometheusAt];
    spec.topology.services['more'] = { ...spec.topology.services['orders'], port: 4000 } as never;
    spec.placement.units.push({
      name: 'more-0',
      engine: 'service',
      group: 'more',
      host: 'h1',
      ordinal: 0,
      slot: 0,
      initialLeader: false,
      reason: '',
    });
    expect(materialise(prometheus.plan(contextOf('prometheus')))).toBe('reload');
    unit?.kill('SIGHUP');
    await until('the new instance is asked', async () => (await query('up{job="service-more"}')).length === 1);
  });

  it('is small, and is back with its history after kill -9', async () => {
    const sizes = units.map((unit) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${unit.pid}/status`, 'utf8'))?.[1]) / 1024);
    console.log(`resident: alertmanager ${sizes[alertmanagerAt]?.toFixed(0)} MB, prometheus ${sizes[prometheusAt]?.toFixed(0)} MB`);
    expect(Math.max(...sizes)).toBeLessThan(150);
    for (const unit of units) {
      unit.kill('SIGKILL');
      await unit.exited();
      const tookMs = await unit.restart();
      console.log(`${unit.plan.name} ready again after ${tookMs.toFixed(0)} ms`);
      expect(tookMs).toBeLessThan(6_000);
    }
    const history = await query('count_over_time(http_requests_total[1m])');
    expect(Number(history[0]?.value[1])).toBeGreaterThan(10);
  });
});
