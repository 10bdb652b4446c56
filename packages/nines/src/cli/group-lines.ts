/** Who leads each PostgreSQL group, a line each, and how far the others are. Pure. */
import type { GroupView } from '../failover/group-view.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import { type Screen, type Style, style } from './terminal/style.ts';

export function groupLines(spec: ClusterSpec, views: Record<string, GroupView | null>, screen: Screen): string[] {
  return Object.entries(views).map(([group, view]) => {
    const members = spec.topology.postgres[group]?.replicas ?? 0;
    return `postgres ${group}: ${view === null ? 'no agent says anything about it' : lineOf(view, members, style(screen))}`;
  });
}

function lineOf(view: GroupView, members: number, colours: Style): string {
  const { leader, phase, epoch, term, lone, paused, replicas } = view;
  const words = [leader === null ? colours.red('no leader is known') : leaderWords(view)];
  if (phase !== 'open') words.push(colours.yellow(`${phase}, epoch ${epoch}`));
  if (leader !== null && leader.term !== term) words.push(`term ${term} is not open yet`);
  const counted = replicas.filter((replica) => replica.counted).length;
  words.push(`${counted} of ${members - 1} standbys count`);
  if (lone) words.push(colours.red('LONE: acknowledges by itself'));
  if (paused) words.push(colours.yellow('failover is paused'));
  const standbys = replicas.map(({ host, lagBytes, counted: counts }) => `${host} ${lagWords(lagBytes)}${counts ? '' : ', not counted'}`);
  return [words.join(', '), ...standbys].join('; ');
}

function leaderWords({ leader }: GroupView): string {
  return leader === null ? '' : `${leader.host} leads in term ${leader.term}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB'] as const;

function lagWords(bytes: number | null): string {
  if (bytes === null) return 'behind by an unknown amount';
  let [size, at] = [bytes, 0];
  while (size >= 1024 && at < UNITS.length - 1) [size, at] = [size / 1024, at + 1];
  return `${at === 0 ? size : size.toFixed(1)} ${UNITS[at]} behind`;
}
