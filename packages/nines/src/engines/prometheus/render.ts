/** prometheus.yml. Pure. */
import type { CertificatePaths } from '../../identity/identity.ts';
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import { placed, scrapeJobs } from './targets.ts';

/** JSON is YAML, with nothing to quote wrongly. */
export function renderPrometheus(spec: ClusterSpec, certificate: CertificatePaths, rulesFile: string): string {
  const { observe } = spec.topology;
  const interval = `${observe.scrapeIntervalMs}ms`;
  const alertmanagers = placed(spec, 'alertmanager').flatMap((unit) => {
    const address = spec.hosts[unit.host]?.address;
    return address === undefined ? [] : [`${address}:${observe.alertmanagerPort}`];
  });
  const config = {
    global: {
      scrape_interval: interval,
      // It must not be longer than the interval.
      scrape_timeout: `${Math.min(observe.scrapeIntervalMs, 5_000)}ms`,
      evaluation_interval: interval,
      external_labels: { cluster: spec.topology.name },
    },
    rule_files: [rulesFile],
    ...(alertmanagers.length === 0 ? {} : { alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] } }),
    scrape_configs: scrapeJobs(spec, certificate),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
