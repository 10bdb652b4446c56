/** The gate before a lab: refuses with the way out when something is missing. */
import { NinesError } from '../../errors/errors.ts';
import type { EngineName } from '../../topology/cluster-spec.ts';
import { missingFiles } from './detect.ts';
import { installLine } from './report.ts';
import { toolsFor } from './tools.ts';

/**
 * Throws E_ENGINE_MISSING, naming every absent tool and the line that installs them.
 * A look at the files only (under a millisecond); versions and kernel are `nines doctor`'s.
 */
export function requireEngines(engines: readonly EngineName[]): void {
  const absent = toolsFor(engines).flatMap((tool) => {
    const files = missingFiles(tool.files);
    return files.length === 0 ? [] : [{ tool, files }];
  });
  if (absent.length === 0) return;
  const packages = [...new Set(absent.map(({ tool }) => tool.package))];
  const names = absent.map(({ tool, files }) => `${tool.name} (no ${files[0]})`).join(', ');
  throw new NinesError('E_ENGINE_MISSING', `not installed on this machine: ${names}`, {
    hint: `Run: ${installLine(packages, process.getuid?.() === 0)}`,
  });
}
