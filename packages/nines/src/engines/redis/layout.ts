/** Files and folders of one Redis unit. Pure. */
import { join } from 'node:path';
import type { UnitContext } from '../engine.ts';

export const REDIS_BINARY = '/usr/bin/redis-server';
export const REDIS_USER = 'redis';

export interface RedisLayout {
  unitDir: string;
  dataDir: string;
  /** Rendered from the topology. */
  configFile: string;
  usersFile: string;
  /**
   * What Redis starts from: it includes `configFile` and says whom to follow. Written anew before each start; Sentinel's
   * CONFIG REWRITE changes this file only, which also records the last role.
   */
  bootFile: string;
  /** Where Redis keeps its append-only file, inside `dataDir`. */
  appendOnlyDir: string;
}

export function redisLayout(context: Pick<UnitContext, 'unit' | 'paths'>): RedisLayout {
  const unitDir = join(context.paths.dataDir, 'units', context.unit.name);
  const dataDir = join(unitDir, 'data');
  return {
    unitDir,
    dataDir,
    configFile: join(unitDir, 'redis.conf'),
    usersFile: join(unitDir, 'users.acl'),
    bootFile: join(unitDir, 'boot.conf'),
    appendOnlyDir: join(dataDir, 'appendonlydir'),
  };
}
