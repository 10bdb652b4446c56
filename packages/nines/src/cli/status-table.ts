/** The cluster as a table: a row per unit, hosts side by side by zone. Pure. */
import type { UnitState } from '../agent/host-state.ts';
import type { HostAnswer } from '../operations/agent-client.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import { type Screen, style } from './terminal/style.ts';
import { table } from './terminal/table.ts';

const CONDITION_COLOURS = {
  ready: 'green',
  starting: 'yellow',
  preparing: 'yellow',
  stopping: 'yellow',
  stopped: 'yellow',
  unready: 'red',
  'backing-off': 'red',
  'crash-looping': 'red',
} as const;

export function clusterTable(spec: ClusterSpec, answers: HostAnswer[], screen: Screen): string {
  const colours = style(screen);
  const rows = answers.flatMap(({ host, state, error }) => {
    const zone = spec.hosts[host]?.zone ?? '?';
    if (state === null) return [[zone, host, '-', colours.red('unreachable'), null, null, error]];
    return state.units.map((unit) => [
      zone,
      host,
      unit.name,
      colours[CONDITION_COLOURS[unit.condition]](unit.condition),
      unit.role,
      unit.restarts === 0 ? null : unit.restarts,
      reasonOf(unit),
    ]);
  });
  return table(rows, ['ZONE', 'HOST', 'UNIT', 'STATE', 'ROLE', 'RESTARTS', 'WHY']);
}

/** One line: a long reason would break the table. */
function reasonOf(unit: UnitState): string {
  const [first = ''] = unit.reason.split('\n');
  return first.length > 90 ? `${first.slice(0, 89)}…` : first;
}

/** One sentence over the table. */
export function headline(spec: ClusterSpec, answers: HostAnswer[], screen: Screen): string {
  const colours = style(screen);
  const units = answers.flatMap((answer) => answer.state?.units ?? []);
  const ready = units.filter((unit) => unit.ready).length;
  const away = answers.filter((answer) => answer.state === null).length;
  const total = spec.placement.units.length;
  const words = `${spec.topology.name}, revision ${spec.revision}: ${ready} of ${total} units ready${away === 0 ? '' : `, ${away} hosts unreachable`}`;
  return ready >= total && away === 0 ? colours.green(words) : colours.yellow(words);
}
