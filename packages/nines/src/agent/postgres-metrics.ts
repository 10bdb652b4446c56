/** PostgreSQL's leadership in Prometheus' text format, as this host's agent knows it. Pure. */
import type { GroupView } from '../failover/group-view.ts';
import type { Failover, MemberHealth } from './failover/groups.ts';
import type { HostState } from './host-state.ts';
import { type Family, line } from './metric-lines.ts';

/** What of the failover is measured. */
export type LeadershipSource = Pick<Failover, 'groups' | 'view' | 'health'>;

interface Seen {
  view: GroupView;
  health: MemberHealth | null;
}

const PHASES: readonly GroupView['phase'][] = ['open', 'electing', 'promoting', 'unknown'];

interface Measure {
  name: string;
  help: string;
  /** Labels beside `group`, `host` and `zone`, and the figure. */
  samples(seen: Seen): [labels: Record<string, string>, value: number][];
}

const figure = (name: string, help: string, of: (seen: Seen) => number | boolean | null): Measure => ({
  name,
  help,
  samples: (seen) => {
    const value = of(seen);
    return value === null ? [] : [[{}, Number(value)]];
  },
});

/** A member's own; a host without one has none. */
const own = (name: string, help: string, of: (health: MemberHealth) => number | boolean | null): Measure =>
  figure(name, help, ({ health }) => (health === null ? null : of(health)));

const MEASURES: readonly Measure[] = [
  figure('nines_postgres_term', 'Term of the leader, as this agent knows it: counts leaders.', ({ view }) => view.term),
  figure('nines_postgres_epoch', 'Counts attempts to change the leadership.', ({ view }) => view.epoch),
  {
    name: 'nines_postgres_phase',
    help: '1 for the phase that the record has, 0 for the others.',
    samples: ({ view }) => PHASES.map((phase) => [{ phase }, phase === view.phase ? 1 : 0]),
  },
  figure('nines_postgres_lone', '1 while the recorded leader acknowledges by itself.', ({ view }) => view.lone),
  figure('nines_postgres_paused', '1 while automatic failover is paused.', ({ view }) => view.paused),
  own('nines_postgres_leader', '1 when the member of this host is primary and admits clients.', ({ admitting }) => admitting),
  own('nines_postgres_proven', '1 when it has fresh proof that nobody else leads.', ({ proven }) => proven),
  own(
    'nines_postgres_streaming',
    '1 when it is a standby that streams from the leader of the recorded term.',
    ({ streaming }) => streaming,
  ),
  own('nines_postgres_counted', '1 when its acknowledgements count.', ({ counted }) => counted),
  own('nines_postgres_lag_bytes', 'Log of the leader that it has not replayed; 0 on the leader.', ({ lagBytes }) => lagBytes),
];

export function postgresFamilies(source: LeadershipSource): Family[] {
  return MEASURES.map(({ name, help, samples }) => ({
    name,
    type: 'gauge',
    help,
    samples: ({ host, zone }: HostState) =>
      source.groups().flatMap((group) => {
        const view = source.view(group);
        if (view === null) return [];
        const seen = samples({ view, health: source.health(group) });
        return seen.map(([labels, value]) => line(name, { group, host, zone, ...labels }, value));
      }),
  }));
}
