/** The agent's own metrics in Prometheus' text format. Pure. */
import type { HostState, UnitState } from './host-state.ts';
import { type Family, line, renderFamilies } from './metric-lines.ts';
import { type LeadershipSource, postgresFamilies } from './postgres-metrics.ts';

const unitLabels = (state: HostState, unit: UnitState) => ({
  unit: unit.name,
  engine: unit.engine,
  group: unit.group ?? '',
  host: state.host,
  zone: state.zone,
});

const FAMILIES: readonly Family[] = [
  {
    name: 'nines_agent_info',
    type: 'gauge',
    help: 'Always 1; names the host and the revision of the desired state it works on.',
    samples: (state) => [
      line(
        'nines_agent_info',
        { host: state.host, zone: state.zone, region: state.region, cluster: state.cluster, revision: String(state.revision) },
        1,
      ),
    ],
  },
  {
    name: 'nines_agent_store_reachable',
    type: 'gauge',
    help: '1 when the agent reached etcd in its last try.',
    samples: (state) => [line('nines_agent_store_reachable', { host: state.host }, state.storeReachable ? 1 : 0)],
  },
  {
    name: 'nines_agent_resident_bytes',
    type: 'gauge',
    help: 'Resident memory of the agent.',
    samples: (state) => [line('nines_agent_resident_bytes', { host: state.host }, state.agent.rssBytes)],
  },
  {
    name: 'nines_host_disk_free_bytes',
    type: 'gauge',
    help: 'Free space on the file system of the data folder.',
    samples: (state) => [line('nines_host_disk_free_bytes', { host: state.host, zone: state.zone }, state.disk.freeBytes)],
  },
  {
    name: 'nines_host_disk_size_bytes',
    type: 'gauge',
    help: 'Size of the file system of the data folder.',
    samples: (state) => [line('nines_host_disk_size_bytes', { host: state.host, zone: state.zone }, state.disk.sizeBytes)],
  },
  {
    name: 'nines_certificate_expires_seconds',
    type: 'gauge',
    help: 'When a certificate of this host ends, seconds since 1970.',
    samples: (state) =>
      state.certificates.map(({ name, expiresAtMs }) =>
        line('nines_certificate_expires_seconds', { host: state.host, zone: state.zone, name }, expiresAtMs / 1000),
      ),
  },
  {
    name: 'nines_unit_ready',
    type: 'gauge',
    help: '1 when the unit does its work.',
    samples: (state) =>
      state.units.map((unit) => line('nines_unit_ready', { ...unitLabels(state, unit), role: unit.role ?? '' }, unit.ready ? 1 : 0)),
  },
  {
    name: 'nines_unit_restarts_total',
    type: 'counter',
    help: 'Deaths and replacements of the unit since its agent started.',
    samples: (state) => state.units.map((unit) => line('nines_unit_restarts_total', unitLabels(state, unit), unit.restarts)),
  },
  {
    name: 'nines_unit_detail',
    type: 'gauge',
    help: 'Figures that the engine reports of itself, by name.',
    samples: (state) => state.units.flatMap((unit) => detailSamples(state, unit)),
  },
];

function detailSamples(state: HostState, unit: UnitState): string[] {
  return Object.entries(unit.details).flatMap(([name, value]) => {
    const figure = typeof value === 'boolean' ? Number(value) : value;
    if (typeof figure !== 'number' || !Number.isFinite(figure)) return [];
    return [line('nines_unit_detail', { ...unitLabels(state, unit), name }, figure)];
  });
}

export function renderMetrics(state: HostState, failover: LeadershipSource): string {
  return renderFamilies([...FAMILIES, ...postgresFamilies(failover)], state);
}
