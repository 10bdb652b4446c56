/** What to run for one instance of a service. Pure. */
import { join } from 'node:path';
import type { UnitContext, UnitPlan } from '../engine.ts';
import { commandArgv } from './command.ts';
import { instanceEnvironment, serviceEnvironment } from './environment.ts';
import { listenAddress, serviceNameOf, serviceTopology, workingFolder } from './placed-service.ts';
import { serviceUser } from './user.ts';

/** After the service's own stop time: it names what it did not finish before it is killed. */
const LAST_WORDS_MS = 500;

export function planService(context: UnitContext): UnitPlan {
  const { spec, unit, paths } = context;
  const serviceName = serviceNameOf(unit);
  const service = serviceTopology(spec, serviceName);
  const cwd = workingFolder(paths, service);
  const unitDir = join(paths.dataDir, 'units', unit.name);
  const cacheDir = join(unitDir, 'cache');
  const { address, port } = listenAddress(spec, unit);
  return {
    name: unit.name,
    engine: 'service',
    // It starts without its database: waiting for it is the service's own business, and it may live on another host.
    after: [],
    argv: commandArgv(service.command, cwd, paths),
    env: {
      // Compiled code and stripped types outlive the process: the second start takes half the CPU of the first.
      NODE_COMPILE_CACHE: cacheDir,
      ...serviceEnvironment(context, serviceName, unitDir),
      ...instanceEnvironment(context, unit, serviceName),
    },
    cwd,
    user: serviceUser(spec.topology, serviceName),
    directories: [
      { path: unitDir, mode: 0o700 },
      { path: cacheDir, mode: 0o700 },
    ],
    files: [],
    stop: { signal: 'SIGTERM', timeoutMs: service.stopTimeoutMs + LAST_WORDS_MS },
    startTimeoutMs: service.startTimeoutMs,
    reloadSignal: null,
    listens: [{ address, port, what: serviceName }],
  };
}
