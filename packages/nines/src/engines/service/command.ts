/** The user's words as an argv with an absolute program. Pure. */
import { isAbsolute, join } from 'node:path';
import { NinesError } from '../../errors/errors.ts';
import type { HostPaths } from '../engine.ts';

/** `node` is the Node that runs Nines; a path is relative to the service's folder; other names are looked up in PATH. */
export function commandArgv(command: string[], folder: string, paths: HostPaths): string[] {
  const [program, ...words] = command;
  if (program === undefined) throw new NinesError('E_CONFIG_INVALID', 'the command of a service has no words');
  if (program === 'node') return [paths.nodeFile, ...words];
  if (isAbsolute(program)) return command;
  if (program.includes('/')) return [join(folder, program), ...words];
  return ['/usr/bin/env', program, ...words];
}
