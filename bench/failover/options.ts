/** What the command line asks for. */
import { SCENARIOS, type Selection } from './matrix.ts';
import { GATEWAYS, SYSTEMS, type SystemName } from './system.ts';

export const FAILOVER_OPTIONS = {
  system: { type: 'string', multiple: true },
  scenario: { type: 'string', multiple: true },
  gateway: { type: 'string', multiple: true },
  fresh: { type: 'boolean' },
  breakdown: { type: 'boolean' },
} as const;

export const FAILOVER_USAGE = [
  `[--system ${SYSTEMS.join('|')}]... [--scenario ${SCENARIOS.join('|')}]... [--gateway on|off]`,
  '[--fresh] forget what was measured before  [--breakdown] where the time went; with --runs 0: only show what is there',
].join('\n');

const NINES_RUNS = 10;
const PEER_RUNS = 3;

export interface FailoverOptions {
  selection: Selection;
  fresh: boolean;
  breakdown: boolean;
}

/** @param runs of every system; null: 10 of Nines, 3 of each peer. @throws UsageError */
export function failoverOptions(values: Record<string, unknown>, runs: number | null): FailoverOptions {
  return {
    selection: {
      systems: chosen('--system', values['system'], SYSTEMS),
      scenarios: chosen('--scenario', values['scenario'], SCENARIOS),
      gateways: chosen('--gateway', values['gateway'], GATEWAYS),
      runs: (system: SystemName) => runs ?? (system === 'nines' ? NINES_RUNS : PEER_RUNS),
    },
    fresh: values['fresh'] === true,
    breakdown: values['breakdown'] === true,
  };
}

/** A wrong word on the command line. */
export class UsageError extends Error {
  override name = 'UsageError';
}

function chosen<Word extends string>(option: string, given: unknown, known: readonly Word[]): Word[] {
  const words = Array.isArray(given) ? given.flatMap((one) => String(one).split(',')) : [];
  for (const word of words) {
    if (!known.some((one) => one === word)) throw new UsageError(`${option} takes ${known.join(', ')}, not '${word}'`);
  }
  return words.length === 0 ? [...known] : known.filter((one) => words.includes(one));
}
