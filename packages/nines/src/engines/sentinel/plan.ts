/** What to run for one Sentinel. Pure. */
import type { UnitContext, UnitPlan } from '../engine.ts';
import { memberOf, redisGroup } from '../redis/group.ts';
import { REDIS_USER } from '../redis/layout.ts';
import { renderBase } from './configuration.ts';
import { SENTINEL_BINARY, sentinelLayout } from './layout.ts';

export function planSentinel(context: UnitContext): UnitPlan {
  const group = redisGroup(context.spec, context.unit.group);
  const self = memberOf(group.sentinels, context.unit);
  const layout = sentinelLayout(context);
  return {
    name: context.unit.name,
    engine: 'sentinel',
    // Not after the Redis beside it: when the master's host is lost while all are down, the replicas are not ready until
    // the Sentinels have chosen another.
    after: [],
    argv: [SENTINEL_BINARY, layout.stateFile],
    env: {},
    cwd: layout.unitDir,
    user: REDIS_USER,
    directories: [{ path: layout.unitDir, mode: 0o700 }],
    files: [{ path: layout.baseFile, content: renderBase(context), mode: 0o600, onChange: 'restart' }],
    stop: { signal: 'SIGTERM', timeoutMs: 2_000 },
    startTimeoutMs: 30_000,
    reloadSignal: null,
    listens: [{ address: self.address, port: self.port, what: 'sentinel' }],
  };
}
