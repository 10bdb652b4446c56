/** etcd: what the agents agree on. One member on each host it is placed on. */
import type { Engine, UnitContext, UnitPlan } from '../engine.ts';
import { observeEtcd } from './observe.ts';
import { prepareEtcd } from './prepare.ts';
import { etcdLayout, hostOf, renderSettings } from './render.ts';

const ETCD = '/usr/bin/etcd';
const USER = 'etcd';

export const etcd: Engine = {
  plan,
  prepare: (context, _plan, io) => prepareEtcd(context, io),
  observe: (context, _plan, io) => observeEtcd(context, io),
};

function plan(context: UnitContext): UnitPlan {
  const { spec, unit } = context;
  const layout = etcdLayout(context);
  const { address } = hostOf(spec, unit.host);
  const { clientPort, peerPort } = spec.topology.etcd;
  return {
    name: unit.name,
    engine: 'etcd',
    after: [],
    argv: [ETCD, '--config-file', layout.configFile],
    // etcd 3.4 refuses to start on arm64 without it; elsewhere it has no effect.
    env: { ETCD_UNSUPPORTED_ARCH: 'arm64' },
    cwd: layout.folder,
    user: USER,
    directories: [
      { path: layout.folder, mode: 0o750 },
      { path: layout.dataDir, mode: 0o700 },
    ],
    // 'nothing': all members would restart at once, and that is a loss of the quorum. They take it up at their next start.
    files: [
      { path: layout.settingsFile, content: `${JSON.stringify(renderSettings(context), null, 2)}\n`, mode: 0o600, onChange: 'nothing' },
    ],
    // With a quorum it ends in 0.2 s; without one it waits 5 s for somebody to hand the leadership to, and its log is synced anyway.
    stop: { signal: 'SIGTERM', timeoutMs: 1_500 },
    startTimeoutMs: 30_000,
    reloadSignal: null,
    listens: [
      { address, port: clientPort, what: 'etcd clients' },
      { address, port: peerPort, what: 'etcd peers' },
    ],
  };
}
