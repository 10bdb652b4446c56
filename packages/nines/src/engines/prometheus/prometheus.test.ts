import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import { renderAlertmanager } from '../alertmanager/render.ts';
import { gatewaySpec } from '../haproxy/testing/gateway-spec.ts';
import { ALERTS, DOCUMENTATION, renderRules } from './alerts.ts';
import { renderPrometheus } from './render.ts';
import { scrapeJobs } from './targets.ts';

const PROMTOOL = '/usr/bin/promtool';
const AMTOOL = '/usr/bin/amtool';

function clusterSpec(): ClusterSpec {
  const spec = gatewaySpec({
    hosts: { h1: '127.0.23.1', h2: '127.0.23.2', h3: '127.0.23.3' },
    gatewayAddress: '127.0.23.100',
    services: { orders: { replicas: 6 }, silent: { metricsPath: null, port: 4000 } },
  });
  spec.topology.postgres['main'] = { replicas: 3, durability: 'quorum', port: 5432, database: 'app', parameters: {} };
  const sentinel = { port: 26379, quorum: 2, downAfterMs: 1_000, failoverTimeoutMs: 10_000, parallelSyncs: 1 };
  spec.topology.redis['cache'] = { replicas: 3, port: 6379, maxMemoryBytes: 64 << 20, sentinel };
  for (const engine of ['etcd', 'prometheus', 'alertmanager'] as const) {
    const unit = { name: engine, engine, group: null, host: 'h3', ordinal: 0, slot: 0, initialLeader: false, reason: '' };
    spec.placement.units.push(unit);
  }
  return spec;
}

describe('what Prometheus asks', () => {
  const jobs = scrapeJobs(clusterSpec(), { caFile: '/i/ca.pem', certFile: '/i/p.pem', keyFile: '/i/p.key' });
  const job = (name: string) => jobs.find((candidate) => candidate.job_name === name);

  it('is every agent, by mutual TLS, with the labels that the agent gives', () => {
    expect(job('agents')).toMatchObject({
      scheme: 'https',
      honor_labels: true,
      tls_config: { ca_file: '/i/ca.pem', cert_file: '/i/p.pem', key_file: '/i/p.key' },
    });
    expect(job('agents')?.static_configs.map((group) => group.targets[0])).toEqual([
      '127.0.23.1:7400',
      '127.0.23.2:7400',
      '127.0.23.3:7400',
    ]);
  });

  it('is every instance of every service that has metrics', () => {
    expect(job('service-silent')).toBeUndefined();
    expect(job('service-orders')?.static_configs).toHaveLength(6);
    expect(job('service-orders')?.static_configs[3]).toEqual({
      targets: ['127.0.23.1:3001'],
      labels: { host: 'h1', zone: 'a', unit: 'orders-3', service: 'orders' },
    });
  });

  it('is etcd, the gateways and themselves', () => {
    expect(jobs.map((candidate) => candidate.job_name)).toEqual([
      'agents',
      'etcd',
      'gateway',
      'prometheus',
      'alertmanager',
      'service-orders',
    ]);
    expect(job('etcd')).toMatchObject({ scheme: 'https', static_configs: [{ targets: ['127.0.23.3:2379'] }] });
    expect(job('gateway')?.static_configs.map((group) => group.targets[0])).toEqual(['127.0.23.1:8405', '127.0.23.2:8405']);
  });
});

describe('alerts', () => {
  const names = ALERTS.map((alert) => alert.name);

  it('has a section in the manual for each, and no section without one', () => {
    const manual = readFileSync(fileURLToPath(new URL(`../../../../../${DOCUMENTATION}`, import.meta.url)), 'utf8');
    const sections = [...manual.matchAll(/^## (\w+)$/gm)].map((match) => match[1]);
    expect(sections.toSorted()).toEqual(names.toSorted());
  });

  it('has unique names, and leaves out what the cluster does not have', () => {
    expect(new Set(names).size).toBe(names.length);
    const bare = clusterSpec();
    bare.topology.gateway = null;
    bare.topology.postgres = {};
    bare.topology.redis = {};
    bare.placement.units = [];
    const rules = JSON.parse(renderRules(bare)) as { groups: { rules: { alert: string }[] }[] };
    const left = rules.groups.flatMap((group) => group.rules.map((rule) => rule.alert));
    expect(left).toContain('HighHttp5xxRate');
    expect(left.filter((name) => /Gateway|Postgres|Redis/.test(name))).toEqual([]);
  });
});

describe.skipIf(!existsSync(PROMTOOL))('promtool', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nines-prometheus-'));
    writeFileSync(join(folder, 'rules.yml'), renderRules(clusterSpec()));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = (file: string, ...args: string[]) => promisify(execFile)(file, args, { cwd: folder });

  it('accepts the configuration and the rules', async () => {
    const none = join(folder, 'none');
    writeFileSync(none, '');
    const config = renderPrometheus(clusterSpec(), { caFile: none, certFile: none, keyFile: none }, 'rules.yml');
    writeFileSync(join(folder, 'prometheus.yml'), config);
    expect((await run(PROMTOOL, 'check', 'config', 'prometheus.yml')).stdout).toContain(`${ALERTS.length} rules found`);
  });

  it("fires the article's alert on 6 % of errors after two minutes, not on 4 %", async () => {
    const series = (service: string, errors: number) => [
      { series: `http_requests_total{service="${service}",status="200"}`, values: `0+${100 - errors}x20` },
      { series: `http_requests_total{service="${service}",status="503"}`, values: `0+${errors}x20` },
    ];
    const alert = {
      exp_labels: { severity: 'critical', cluster: 'test', service: 'orders' },
      exp_annotations: {
        summary: '5xx error rate > 5% in orders',
        description: 'Investigate upstream service or database latency.',
        runbook: `${DOCUMENTATION}#highhttp5xxrate`,
      },
    };
    const at = (eval_time: string, exp_alerts: unknown[]) => ({ eval_time, alertname: 'HighHttp5xxRate', exp_alerts });
    const input_series = [...series('orders', 6), ...series('site', 4)];
    const tests = [{ interval: '1m', input_series, alert_rule_test: [at('2m', []), at('10m', [alert])] }];
    writeFileSync(join(folder, 'tests.yml'), JSON.stringify({ rule_files: ['rules.yml'], evaluation_interval: '1m', tests }));
    expect((await run(PROMTOOL, 'test', 'rules', 'tests.yml')).stdout).toContain('SUCCESS');
  });

  it('tells how PostgreSQL is led: by nobody, by two, alone, by too few voters', async () => {
    const series = (figure: string, group: string, values: Record<string, number>) =>
      Object.entries(values).map(([host, value]) => ({
        series: `nines_postgres_${figure}{group="${group}",host="${host}",zone="z"}`,
        values: `${value}x10`,
      }));
    const spec = clusterSpec();
    for (const group of ['other', 'twice']) spec.topology.postgres[group] = structuredClone(spec.topology.postgres['main'] as never);
    const expects = (name: string, ...exp_samples: { labels: string; value: number }[]) => {
      const expr = ALERTS.find((alert) => alert.name === name)?.expr;
      return { expr: typeof expr === 'function' ? expr(spec) : expr, eval_time: '30s', exp_samples };
    };
    const test = {
      interval: '10s',
      input_series: [
        ...series('proven', 'main', { h1: 0, h2: 1, h3: 0 }),
        ...series('proven', 'other', { h1: 0, h2: 0 }),
        ...series('proven', 'twice', { h1: 1, h2: 1 }),
        // A host that was cut off still knows the record of before: it is not the leader's word.
        ...series('lone', 'main', { h1: 1, h2: 0 }),
        ...series('leader', 'main', { h1: 0, h2: 1 }),
        ...series('lone', 'other', { h1: 1, h2: 1 }),
        ...series('leader', 'other', { h1: 0, h2: 1 }),
        ...series('counted', 'main', { h1: 1, h2: 0, h3: 1 }),
        ...series('counted', 'other', { h1: 1, h2: 0 }),
        ...series('paused', 'other', { h1: 1, h2: 1 }),
        ...series('paused', 'main', { h1: 0, h2: 0 }),
      ],
      promql_expr_test: [
        expects('PostgresWithoutPrimary', { labels: '{group="other"}', value: 0 }),
        expects('PostgresHeldTwice', { labels: '{group="twice"}', value: 2 }),
        expects('PostgresLoneLeader', { labels: '{group="other",host="h2"}', value: 1 }),
        expects('PostgresVotersMissing', { labels: '{group="other"}', value: 1 }),
        expects('PostgresFailoverPaused', { labels: '{group="other"}', value: 1 }),
      ],
    };
    writeFileSync(join(folder, 'tests2.yml'), JSON.stringify({ rule_files: ['rules.yml'], tests: [test] }));
    expect((await run(PROMTOOL, 'test', 'rules', 'tests2.yml')).stdout).toContain('SUCCESS');
  });

  it.skipIf(!existsSync(AMTOOL))('amtool accepts the configuration of Alertmanager', async () => {
    writeFileSync(join(folder, 'alertmanager.yml'), renderAlertmanager());
    expect((await run(AMTOOL, 'check-config', 'alertmanager.yml')).stdout).toContain('SUCCESS');
  });
});
