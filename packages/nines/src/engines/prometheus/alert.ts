/** What an alert is made of. */
import type { ClusterSpec } from '../../topology/cluster-spec.ts';

export interface Alert {
  name: string;
  /** PromQL; every series it gives is one alert. */
  expr: string | ((spec: ClusterSpec) => string);
  /** How long it must hold, in Prometheus' own words. */
  for: string;
  severity: 'critical' | 'warning';
  summary: string;
  description: string;
  /** Left out of clusters that have nothing of the kind. */
  when?: (spec: ClusterSpec) => boolean;
}
