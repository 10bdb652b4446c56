/** What ran where, for the report. Pure. */
import type { PlacedReport } from '../report/report.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';

export function placedReport(spec: ClusterSpec, target: { host: string; port: number }): PlacedReport {
  const zones: PlacedReport['zones'] = [];
  for (const [host, { region, zone, address }] of Object.entries(spec.hosts)) {
    let found = zones.find((one) => one.region === region && one.zone === zone);
    if (found === undefined) zones.push((found = { region, zone, hosts: [] }));
    const units = spec.placement.units.filter((unit) => unit.host === host);
    found.hosts.push({ host, address, units: units.map(({ name, engine, initialLeader }) => ({ name, engine, initialLeader })) });
  }
  return { name: spec.topology.name, zones, target: `http://${target.host}:${target.port}` };
}
