/** The configuration of a Patroni cluster of three hosts. Pure. */
import { gatewaySpec } from '../../../packages/nines/src/engines/haproxy/testing/gateway-spec.ts';
import { WHO_PATH } from '../../../packages/nines/src/engines/haproxy/render.ts';
import { gatewayUnits, interfaceLine, renderKeepalived } from '../../../packages/nines/src/engines/keepalived/render.ts';
import { gatewayCheckScript, hostCheckScript } from '../../../packages/nines/src/engines/keepalived/scripts.ts';
import type { HostSeed, SeedProcess } from './seed.ts';
import { PATRONI } from './install.ts';

export const REST_PORT = 8008;
export const POSTGRES_PORT = 5432;
const GATEWAY_CHECK_PORT = 8405;
const DATA = '/var/lib/nines';
const POSTGRES_DATA = `${DATA}/postgres/data`;

export interface PatroniSettings {
  ttl: number;
  loopWait: number;
  retryTimeout: number;
  /** Seconds that a crashed primary has to come back; null: Patroni's default (300). */
  primaryStartTimeout: number | null;
  /** Of HAProxy's checks. */
  checkInterval: string;
}

export interface ClusterPlan {
  /** Host -> address. The gateway's address starts at the first and can move to the second. */
  hosts: Record<string, string>;
  gatewayAddress: string;
  firstPrimary: string;
  passwords: { superuser: string; replication: string; rewind: string };
  settings: PatroniSettings;
}

export function hostSeed(plan: ClusterPlan, host: string): HostSeed {
  const address = addressOf(plan, host);
  const hasGateway = Object.keys(plan.hosts).indexOf(host) < 2;
  const file = (path: string, content: string, user: string) => ({ path, content, user, mode: 0o600 });
  return {
    directories: [
      { path: `${DATA}/etcd`, user: 'etcd', mode: 0o700 },
      { path: `${DATA}/postgres`, user: 'postgres', mode: 0o700 },
      { path: '/run/patroni', user: 'postgres', mode: 0o700 },
    ],
    files: [
      // JSON is YAML.
      file('/run/patroni/patroni.yml', JSON.stringify(patroniConfig(plan, host), null, 2), 'postgres'),
      ...(hasGateway ? gatewayFiles(plan, host, address) : []),
    ],
    processes: [etcdProcess(plan, host, address), patroniProcess(plan, host), ...(hasGateway ? gatewayProcesses() : [])],
  };
}

export function patroniConfig(plan: ClusterPlan, host: string): unknown {
  const { settings, passwords } = plan;
  const address = addressOf(plan, host);
  return {
    scope: 'bench',
    name: host,
    restapi: { listen: `${address}:${REST_PORT}`, connect_address: `${address}:${REST_PORT}` },
    etcd3: { hosts: Object.values(plan.hosts).map((one) => `${one}:2379`) },
    bootstrap: {
      dcs: {
        ttl: settings.ttl,
        loop_wait: settings.loopWait,
        retry_timeout: settings.retryTimeout,
        ...(settings.primaryStartTimeout === null ? {} : { primary_start_timeout: settings.primaryStartTimeout }),
        synchronous_mode: true,
        // Enough that connections which nobody has found dead yet do not keep the last look out: one run with 100 could not be judged.
        postgresql: { use_pg_rewind: true, use_slots: true, parameters: { max_connections: 300 } },
      },
      initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }, 'data-checksums'],
    },
    postgresql: {
      listen: `${address}:${POSTGRES_PORT}`,
      connect_address: `${address}:${POSTGRES_PORT}`,
      data_dir: POSTGRES_DATA,
      bin_dir: '/usr/lib/postgresql/15/bin',
      pgpass: '/run/patroni/pgpass',
      authentication: {
        superuser: { username: 'postgres', password: passwords.superuser },
        replication: { username: 'replicator', password: passwords.replication },
        rewind: { username: 'rewind', password: passwords.rewind },
      },
      parameters: { unix_socket_directories: '/run/patroni', password_encryption: 'scram-sha-256' },
      pg_hba: ['local all all trust', 'host replication replicator 0.0.0.0/0 scram-sha-256', 'host all all 0.0.0.0/0 scram-sha-256'],
    },
    watchdog: { mode: 'off' },
  };
}

function etcdProcess(plan: ClusterPlan, host: string, address: string): SeedProcess {
  const cluster = Object.entries(plan.hosts).map(([name, one]) => `${name}=http://${one}:2380`);
  return {
    name: 'etcd',
    user: 'etcd',
    argv: [
      ...['/usr/bin/etcd', '--name', host, '--data-dir', `${DATA}/etcd`, '--logger', 'zap', '--log-level', 'warn'],
      ...['--listen-client-urls', `http://${address}:2379`, '--advertise-client-urls', `http://${address}:2379`],
      ...['--listen-peer-urls', `http://${address}:2380`, '--initial-advertise-peer-urls', `http://${address}:2380`],
      ...['--initial-cluster', cluster.join(','), '--initial-cluster-state', 'new'],
    ],
    env: process.arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {},
    waitFor: null,
  };
}

function patroniProcess(plan: ClusterPlan, host: string): SeedProcess {
  const first = `http://${addressOf(plan, plan.firstPrimary)}:${REST_PORT}/primary`;
  return {
    name: 'patroni',
    user: 'postgres',
    argv: [PATRONI, '/run/patroni/patroni.yml'],
    env: { HOME: `${DATA}/postgres`, LANG: 'C.UTF-8' },
    waitFor: host === plan.firstPrimary ? null : { url: first, unlessFile: `${POSTGRES_DATA}/PG_VERSION` },
  };
}

/** The address moves by the same means as Nines' own: its keepalived, asking this HAProxy and the other hosts' Patroni. */
function gatewayFiles(plan: ClusterPlan, host: string, address: string): HostSeed['files'] {
  const spec = gatewaySpec({ hosts: plan.hosts, gatewayAddress: plan.gatewayAddress, services: {} });
  const unit = gatewayUnits(spec).find((one) => one.host === host);
  if (unit === undefined) throw new Error(`${host} is no gateway`);
  const keepalived = (name: string) => `/run/keepalived/${name}`;
  const files = {
    interfaceFile: keepalived('interface.conf'),
    gatewayCheckFile: keepalived('check-gateway.pl'),
    hostCheckFile: keepalived('check-host.pl'),
  };
  const others = Object.entries(plan.hosts).filter(([name]) => name !== host);
  const peers = others.map(([, one]) => ({ address: one, port: REST_PORT }));
  const file = (path: string, content: string, user = 'root') => ({ path, content, user, mode: 0o600 });
  return [
    file('/run/haproxy/haproxy.cfg', haproxyConfig(plan, address), 'haproxy'),
    file(files.interfaceFile, interfaceLine('eth0')),
    file(files.gatewayCheckFile, gatewayCheckScript({ address, port: GATEWAY_CHECK_PORT }, WHO_PATH)),
    // Its HAProxy looks for the leader itself: no agent has to be alive beside it.
    file(files.hostCheckFile, hostCheckScript(peers, null)),
    file(keepalived('keepalived.conf'), renderKeepalived(spec, unit, files)),
  ];
}

function gatewayProcesses(): SeedProcess[] {
  const keepalived = ['/usr/sbin/keepalived', '--dont-fork', '--no-syslog', '--log-console', '--vrrp'];
  return [
    { name: 'haproxy', user: 'haproxy', argv: ['/usr/sbin/haproxy', '-W', '-f', '/run/haproxy/haproxy.cfg'], env: {}, waitFor: null },
    {
      name: 'keepalived',
      user: 'root',
      argv: [
        ...[...keepalived, '--use-file', '/run/keepalived/keepalived.conf'],
        ...['--pid', '/run/keepalived/keepalived.pid', '--vrrp_pid', '/run/keepalived/vrrp.pid'],
      ],
      env: {},
      waitFor: null,
    },
  ];
}

export function haproxyConfig(plan: ClusterPlan, own: string): string {
  return [
    'global',
    '    maxconn 1000',
    'defaults',
    '    mode tcp',
    '    retries 2',
    '    timeout connect 1s',
    '    timeout client 30m',
    '    timeout server 30m',
    'listen primary',
    `    bind ${plan.gatewayAddress}:${POSTGRES_PORT}`,
    '    option httpchk GET /primary',
    '    http-check expect status 200',
    `    default-server inter ${plan.settings.checkInterval} fall 2 rise 1 on-marked-down shutdown-sessions`,
    ...Object.entries(plan.hosts).map(
      ([name, address]) => `    server ${name} ${address}:${POSTGRES_PORT} maxconn 100 check port ${REST_PORT}`,
    ),
    'frontend alive',
    '    mode http',
    '    timeout client 60s',
    `    bind ${own}:${GATEWAY_CHECK_PORT}`,
    '    http-request return status 200',
    '',
  ].join('\n');
}

function addressOf(plan: ClusterPlan, host: string): string {
  const address = plan.hosts[host];
  if (address === undefined) throw new Error(`no host ${host}`);
  return address;
}
