/** What Prometheus watches for. Every alert has its section in docs/operate/alerts.md; a test compares them. Pure. */
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import type { Alert } from './alert.ts';
import { POSTGRES_ALERTS } from './postgres-alerts.ts';

const hasGateway = (spec: ClusterSpec) => spec.topology.gateway !== null;
const hasTwoGateways = (spec: ClusterSpec) => spec.placement.units.filter((unit) => unit.engine === 'haproxy').length > 1;
const hasRedis = (spec: ClusterSpec) => Object.keys(spec.topology.redis).length > 0;

const REQUESTS: Alert[] = [
  {
    name: 'HighHttp5xxRate',
    expr: 'sum by (service) (rate(http_requests_total{status=~"5.."}[5m])) / sum by (service) (rate(http_requests_total[5m])) > 0.05',
    for: '2m',
    severity: 'critical',
    summary: '5xx error rate > 5% in {{ $labels.service }}',
    description: 'Investigate upstream service or database latency.',
  },
  {
    name: 'GatewayHttp5xxRate',
    expr: 'sum(rate(haproxy_frontend_http_responses_total{proxy="nines_gateway",code="5xx"}[5m])) / sum(rate(haproxy_frontend_http_responses_total{proxy="nines_gateway"}[5m])) > 0.01',
    for: '2m',
    severity: 'critical',
    summary: 'Clients get more than 1% of 5xx answers, after all retries',
    description: 'The gateway could not save these requests: too few instances are usable, or all of them fail.',
    when: hasGateway,
  },
  {
    name: 'ServiceWithoutInstances',
    expr: 'max by (proxy) (haproxy_backend_active_servers{proxy!~"(nines|postgres)_.*"}) == 0',
    for: '5s',
    severity: 'critical',
    summary: 'No instance of {{ $labels.proxy }} is usable',
    description: 'Every request of that service is answered with 503.',
    when: hasGateway,
  },
  {
    name: 'GatewayRetriesHigh',
    expr: 'sum by (proxy, server) (rate(haproxy_server_retry_warnings_total[1m])) > 1',
    for: '1m',
    severity: 'warning',
    summary: 'Requests sent to {{ $labels.server }} are retried elsewhere',
    description: 'Clients do not notice yet, but that instance fails more than once a second.',
    when: hasGateway,
  },
];

const UNITS: Alert[] = [
  {
    name: 'HostDown',
    expr: 'up{job="agents"} == 0',
    for: '15s',
    severity: 'critical',
    summary: 'The agent of host {{ $labels.host }} in zone {{ $labels.zone }} does not answer',
    description: 'The host is down or cut off, or its agent does not run. Units keep running without their agent.',
  },
  {
    name: 'InstanceDown',
    expr: 'up{job!="agents"} == 0',
    for: '30s',
    severity: 'warning',
    summary: '{{ $labels.instance }} ({{ $labels.job }}) on host {{ $labels.host }} does not answer',
    description: 'Its metrics could not be read for 30 s.',
  },
  {
    name: 'UnitNotReady',
    expr: 'max by (unit, engine, group, host, zone) (nines_unit_ready) == 0',
    for: '1m',
    severity: 'warning',
    summary: '{{ $labels.unit }} on host {{ $labels.host }} is not ready',
    description: 'It has not done its work for a minute.',
  },
  {
    name: 'UnitRestarting',
    expr: 'increase(nines_unit_restarts_total[10m]) > 3',
    for: '0s',
    severity: 'warning',
    summary: '{{ $labels.unit }} on host {{ $labels.host }} restarts again and again',
    description: 'More than three restarts within ten minutes.',
  },
  {
    name: 'AgentWithoutStore',
    expr: 'nines_agent_store_reachable == 0',
    for: '30s',
    severity: 'warning',
    summary: 'The agent of host {{ $labels.host }} cannot reach etcd',
    description: 'What runs goes on running; changes are not seen there.',
  },
];

const DATA: Alert[] = [
  {
    name: 'EtcdWithoutLeader',
    expr: 'etcd_server_has_leader == 0',
    for: '5s',
    severity: 'critical',
    summary: 'etcd on host {{ $labels.host }} has no leader',
    description: 'No decision and no change of the cluster is possible; the service itself goes on.',
  },
  {
    name: 'RedisWithoutMaster',
    expr: 'count by (group) (nines_unit_ready{engine="redis"}) unless on (group) (nines_unit_ready{engine="redis",role="master"} == 1)',
    for: '10s',
    severity: 'critical',
    summary: 'Redis group {{ $labels.group }} has no master',
    description: 'Nothing can be written there; sessions fall back to the database.',
    when: hasRedis,
  },
];

const GATEWAYS: Alert[] = [
  {
    name: 'GatewayWithoutBackup',
    expr: 'sum(nines_unit_ready{engine="haproxy"}) < 2',
    for: '30s',
    severity: 'warning',
    summary: 'Only one gateway is ready',
    description: 'The next death of a gateway is an outage.',
    when: hasTwoGateways,
  },
  {
    name: 'GatewayAddressNotHeld',
    expr: 'absent(nines_unit_ready{engine="keepalived",role="active"})',
    for: '5s',
    severity: 'critical',
    summary: 'No host holds the virtual address',
    description: 'Clients cannot connect at all.',
    when: hasGateway,
  },
  {
    name: 'GatewayAddressHeldTwice',
    expr: 'count(nines_unit_ready{engine="keepalived",role="active"}) > 1',
    for: '10s',
    severity: 'critical',
    summary: '{{ $value }} hosts hold the virtual address',
    description: 'The gateways do not hear each other: the network between them is cut, or VRRP (IP protocol 112) is blocked.',
    when: hasTwoGateways,
  },
];

const MACHINES: Alert[] = [
  {
    name: 'DiskFilling',
    expr: 'nines_host_disk_free_bytes / nines_host_disk_size_bytes < 0.15',
    for: '1m',
    severity: 'warning',
    summary: 'The data disk of host {{ $labels.host }} has {{ $value | humanizePercentage }} left',
    description: 'A full disk stops PostgreSQL, Redis and etcd of that host.',
  },
  {
    name: 'CertificateExpiring',
    expr: 'min by (host, zone, name) (nines_certificate_expires_seconds) - time() < 14 * 86400',
    for: '5m',
    severity: 'warning',
    summary: 'The certificate {{ $labels.name }} of host {{ $labels.host }} ends in {{ $value | humanizeDuration }}',
    description: 'When it has ended, the host is cut off from the others.',
  },
];

export const ALERTS: readonly Alert[] = [...REQUESTS, ...UNITS, ...DATA, ...POSTGRES_ALERTS, ...GATEWAYS, ...MACHINES];

export const DOCUMENTATION = 'docs/operate/alerts.md';

/** The rules file. JSON is YAML, with nothing to quote wrongly. */
export function renderRules(spec: ClusterSpec): string {
  const rules = ALERTS.filter((alert) => alert.when?.(spec) ?? true).map((alert) => ({
    alert: alert.name,
    expr: typeof alert.expr === 'string' ? alert.expr : alert.expr(spec),
    for: alert.for,
    labels: { severity: alert.severity, cluster: spec.topology.name },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      runbook: `${DOCUMENTATION}#${alert.name.toLowerCase()}`,
    },
  }));
  return `${JSON.stringify({ groups: [{ name: 'nines', rules }] }, null, 2)}\n`;
}
