/** What Prometheus watches for in PostgreSQL. Pure. */
import type { ClusterSpec } from '../../topology/cluster-spec.ts';
import type { Alert } from './alert.ts';

const hasPostgres = (spec: ClusterSpec) => Object.keys(spec.topology.postgres).length > 0;
const hasStandbys = (spec: ClusterSpec) => Object.values(spec.topology.postgres).some((group) => group.replicas > 1);
const waitsForStandby = (spec: ClusterSpec) =>
  Object.values(spec.topology.postgres).some((group) => group.durability !== 'async' && group.replicas > 1);

/** Every standby is wanted as a voter. */
function votersMissing({ topology }: ClusterSpec): string {
  const groups = Object.entries(topology.postgres).filter(([, { replicas }]) => replicas > 1);
  return groups.map(([name, { replicas }]) => `sum by (group) (nines_postgres_counted{group="${name}"}) < ${replicas - 1}`).join(' or ');
}

export const POSTGRES_ALERTS: readonly Alert[] = [
  {
    name: 'PostgresReplicationLag',
    expr: 'nines_unit_detail{engine="postgres",name="lagSeconds"} > 10',
    for: '30s',
    severity: 'warning',
    summary: '{{ $labels.unit }} on host {{ $labels.host }} is {{ $value }} s behind its primary',
    description: 'Reads from it are old, and it is a bad candidate for a failover.',
    when: hasPostgres,
  },
  {
    name: 'PostgresWithoutSynchronousStandby',
    expr: 'nines_unit_detail{engine="postgres",name="acknowledging"} == 0',
    for: '10s',
    severity: 'critical',
    summary: 'No standby acknowledges the writes of group {{ $labels.group }}',
    description: 'Commits wait until one is back, or until the leader is recorded as alone.',
    when: waitsForStandby,
  },
  {
    name: 'PostgresWithoutPrimary',
    // By proof, not by role: one that is cut off with its clients still calls itself primary for a moment.
    expr: 'max by (group) (nines_postgres_proven) == 0',
    for: '5s',
    severity: 'critical',
    summary: 'PostgreSQL group {{ $labels.group }} has no primary',
    description: 'Nothing can be written there, and no failover has ended that within 5 s.',
    when: hasPostgres,
  },
  {
    name: 'PostgresHeldTwice',
    expr: 'sum by (group) (nines_postgres_proven) > 1',
    for: '10s',
    severity: 'critical',
    summary: '{{ $value }} members of PostgreSQL group {{ $labels.group }} prove that they lead',
    description: 'This must never be. Stop the one with the lower term, and keep the data and logs of both.',
    when: hasStandbys,
  },
  {
    name: 'PostgresLoneLeader',
    expr: 'max by (group, host) (nines_postgres_lone * on (group, host) nines_postgres_leader) == 1',
    for: '0s',
    severity: 'critical',
    summary: 'PostgreSQL group {{ $labels.group }} has its writes on {{ $labels.host }} alone',
    description: 'No standby is there to acknowledge: the loss of that host now loses acknowledged writes.',
    when: hasStandbys,
  },
  {
    name: 'PostgresVotersMissing',
    expr: votersMissing,
    for: '1m',
    severity: 'warning',
    summary: 'Only {{ $value }} standbys of PostgreSQL group {{ $labels.group }} count',
    description: 'The next failure of a standby or of the primary has less to go on.',
    when: hasStandbys,
  },
  {
    name: 'PostgresFailoverPaused',
    expr: 'max by (group) (nines_postgres_paused) == 1',
    for: '15m',
    severity: 'warning',
    summary: 'Automatic failover of PostgreSQL group {{ $labels.group }} has been paused for 15 minutes',
    description: 'A primary that is lost now stays lost until somebody runs nines resume.',
    when: hasStandbys,
  },
];
