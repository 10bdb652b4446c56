/** Alertmanager: groups the alerts and keeps who silenced what. */
import { join } from 'node:path';
import type { Engine, EngineIo, Observation, UnitContext, UnitPlan } from '../engine.ts';
import { observeReady } from '../prometheus/ready.ts';
import { renderAlertmanager } from './render.ts';

const ALERTMANAGER = '/usr/bin/prometheus-alertmanager';
const USER = 'prometheus';

export const alertmanager: Engine = { plan, observe };

function plan(context: UnitContext): UnitPlan {
  const { spec, unit, paths } = context;
  const folder = join(paths.dataDir, 'units', unit.name);
  const configFile = join(folder, 'alertmanager.yml');
  const address = spec.hosts[unit.host]?.address ?? '';
  const port = spec.topology.observe.alertmanagerPort;
  return {
    name: unit.name,
    engine: 'alertmanager',
    after: [],
    argv: [
      ALERTMANAGER,
      `--config.file=${configFile}`,
      `--storage.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}:${port}`,
      // Alone: no gossip, and no port for it.
      '--cluster.listen-address=',
      '--log.level=warn',
    ],
    env: { GOGC: '50', GOMEMLIMIT: '64MiB', GOMAXPROCS: '1' },
    cwd: folder,
    user: USER,
    directories: [
      { path: folder, mode: 0o750 },
      { path: join(folder, 'data'), mode: 0o750 },
    ],
    files: [{ path: configFile, content: renderAlertmanager(), mode: 0o640, onChange: 'reload' }],
    stop: { signal: 'SIGTERM', timeoutMs: 3_000 },
    startTimeoutMs: 10_000,
    reloadSignal: 'SIGHUP',
    listens: [{ address, port, what: 'alertmanager' }],
  };
}

function observe(context: UnitContext, _plan: UnitPlan, io: EngineIo): Promise<Observation> {
  const { spec, unit } = context;
  return observeReady('Alertmanager', spec.hosts[unit.host]?.address ?? '', spec.topology.observe.alertmanagerPort, io);
}
