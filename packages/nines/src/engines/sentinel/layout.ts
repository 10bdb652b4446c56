/** Files of one Sentinel. Pure. */
import { join } from 'node:path';
import type { UnitContext } from '../engine.ts';

export const SENTINEL_BINARY = '/usr/bin/redis-sentinel';

export interface SentinelLayout {
  unitDir: string;
  /** Rendered from the topology. */
  baseFile: string;
  /** What Sentinel runs with and rewrites itself: the base, and the state that it must not forget. */
  stateFile: string;
}

export function sentinelLayout(context: Pick<UnitContext, 'unit' | 'paths'>): SentinelLayout {
  const unitDir = join(context.paths.dataDir, 'units', context.unit.name);
  return { unitDir, baseFile: join(unitDir, 'base.conf'), stateFile: join(unitDir, 'sentinel.conf') };
}
