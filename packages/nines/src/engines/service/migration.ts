/** What to run once per cluster before the first instance of a service. Pure. */
import { NinesError } from '../../errors/errors.ts';
import type { UnitUser } from '../engine.ts';
import { commandArgv } from './command.ts';
import { serviceEnvironment } from './environment.ts';
import { type ServiceContext, serviceTopology, workingFolder } from './placed-service.ts';
import { serviceUser } from './user.ts';

export interface MigrationPlan {
  /** argv[0] is an absolute path. No secrets. */
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  user: UnitUser;
}

/** As the service itself, without a port. @throws when the service has no migrations: ask the topology first. */
export function migrationPlan(context: ServiceContext, serviceName: string): MigrationPlan {
  const service = serviceTopology(context.spec, serviceName);
  if (service.migrate === null) throw new NinesError('E_CONFIG_INVALID', `service '${serviceName}' has no migrations`);
  const cwd = workingFolder(context.paths, service);
  return {
    argv: commandArgv(service.migrate, cwd, context.paths),
    env: serviceEnvironment(context, serviceName, cwd),
    cwd,
    user: serviceUser(context.spec.topology, serviceName),
  };
}
