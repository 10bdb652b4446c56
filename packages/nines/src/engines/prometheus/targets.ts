/** Whom Prometheus asks, from the placement. Pure. */
import type { ClusterSpec, EngineName, PlacedUnit } from '../../topology/cluster-spec.ts';
import type { CertificatePaths } from '../../identity/identity.ts';
import { AGENT_PORT, GATEWAY_METRICS_PORT } from '../../topology/ports.ts';

export interface TargetGroup {
  targets: string[];
  labels: Record<string, string>;
}

export interface ScrapeJob {
  job_name: string;
  scheme: 'http' | 'https';
  metrics_path: string;
  honor_labels?: true;
  tls_config?: { ca_file: string; cert_file: string; key_file: string };
  static_configs: TargetGroup[];
}

export function scrapeJobs(spec: ClusterSpec, certificate: CertificatePaths): ScrapeJob[] {
  const tls_config = { ca_file: certificate.caFile, cert_file: certificate.certFile, key_file: certificate.keyFile };
  const { observe, etcd } = spec.topology;
  const plain = (job_name: string, engine: EngineName, port: number): ScrapeJob => ({
    job_name,
    scheme: 'http',
    metrics_path: '/metrics',
    static_configs: placed(spec, engine).map((unit) => target(spec, unit, port)),
  });
  const jobs: ScrapeJob[] = [
    {
      job_name: 'agents',
      scheme: 'https',
      metrics_path: '/metrics',
      // The agent names unit, group, host and zone itself.
      honor_labels: true,
      tls_config,
      static_configs: Object.entries(spec.hosts).map(([host, { address, zone }]) => ({
        targets: [`${address}:${AGENT_PORT}`],
        labels: { host, zone },
      })),
    },
    { ...plain('etcd', 'etcd', etcd.clientPort), scheme: 'https', tls_config },
    plain('gateway', 'haproxy', GATEWAY_METRICS_PORT),
    plain('prometheus', 'prometheus', observe.prometheusPort),
    plain('alertmanager', 'alertmanager', observe.alertmanagerPort),
    ...Object.entries(spec.topology.services).flatMap(([name, service]) =>
      service.metricsPath === null
        ? []
        : [
            {
              job_name: `service-${name}`,
              scheme: 'http' as const,
              metrics_path: service.metricsPath,
              static_configs: placed(spec, 'service', name).map((unit) => {
                const group = target(spec, unit, service.port + unit.slot);
                return { ...group, labels: { ...group.labels, service: name } };
              }),
            },
          ],
    ),
  ];
  return jobs.filter((job) => job.static_configs.length > 0);
}

export function placed(spec: ClusterSpec, engine: EngineName, group?: string): PlacedUnit[] {
  return spec.placement.units.filter((unit) => unit.engine === engine && (group === undefined || unit.group === group));
}

function target(spec: ClusterSpec, unit: PlacedUnit, port: number): TargetGroup {
  const host = spec.hosts[unit.host];
  return {
    targets: [`${host?.address ?? ''}:${port}`],
    labels: { host: unit.host, zone: host?.zone ?? '', unit: unit.name },
  };
}
