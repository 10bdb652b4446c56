/** Prometheus: scrapes everything of the cluster and evaluates the alerts. */
import { join } from 'node:path';
import type { Engine, EngineIo, Observation, UnitContext, UnitPlan } from '../engine.ts';
import { renderRules } from './alerts.ts';
import { observeReady } from './ready.ts';
import { renderPrometheus } from './render.ts';

const PROMETHEUS = '/usr/bin/prometheus';
const USER = 'prometheus';
/** The data disk is shared with the database: history is the first to give way. */
const HISTORY_LIMIT = '512MB';

export const prometheus: Engine = { plan, observe };

function plan(context: UnitContext): UnitPlan {
  const { spec, unit, paths } = context;
  const { observe } = spec.topology;
  const folder = join(paths.dataDir, 'units', unit.name);
  const configFile = join(folder, 'prometheus.yml');
  const rulesFile = join(folder, 'rules.yml');
  const address = spec.hosts[unit.host]?.address ?? '';
  return {
    name: unit.name,
    engine: 'prometheus',
    after: [],
    argv: [
      PROMETHEUS,
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--storage.tsdb.retention.time=${Math.ceil(observe.retentionMs / 1000)}s`,
      `--storage.tsdb.retention.size=${HISTORY_LIMIT}`,
      `--web.listen-address=${address}:${observe.prometheusPort}`,
      '--query.max-concurrency=4',
      '--query.timeout=20s',
      '--log.level=warn',
    ],
    // Small machines first: collect garbage earlier, and use one core beside the database.
    env: { GOGC: '50', GOMEMLIMIT: '192MiB', GOMAXPROCS: '1' },
    cwd: folder,
    user: USER,
    directories: [
      { path: folder, mode: 0o750 },
      { path: join(folder, 'data'), mode: 0o750 },
    ],
    files: [
      {
        path: configFile,
        content: renderPrometheus(spec, context.certificate('prometheus'), rulesFile),
        mode: 0o640,
        onChange: 'reload',
      },
      { path: rulesFile, content: renderRules(spec), mode: 0o640, onChange: 'reload' },
    ],
    stop: { signal: 'SIGTERM', timeoutMs: 4_000 },
    startTimeoutMs: 15_000,
    reloadSignal: 'SIGHUP',
    listens: [{ address, port: observe.prometheusPort, what: 'prometheus' }],
  };
}

function observe(context: UnitContext, _plan: UnitPlan, io: EngineIo): Promise<Observation> {
  const { spec, unit } = context;
  return observeReady('Prometheus', spec.hosts[unit.host]?.address ?? '', spec.topology.observe.prometheusPort, io);
}
