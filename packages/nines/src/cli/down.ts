import { Command } from 'commander';
import { NinesError } from '../errors/errors.ts';
import { destroyLab, listLabs } from '../lab/index.ts';
import { MACHINE_PATHS } from '../operations/up.ts';
import { chosenLab, configOption, jsonOption, labOption, type LabOptions } from './options.ts';
import { printJson, printLine } from './terminal/print.ts';
import { Progress } from './terminal/progress.ts';

interface DownCommandOptions extends LabOptions {
  all?: boolean;
  json?: boolean;
}

export function downCommand(signal: AbortSignal): Command {
  return new Command('down')
    .description('take a lab down: processes, namespaces, links, mounts and its data')
    .addOption(labOption())
    .addOption(configOption())
    .option('--all', 'every lab on this machine')
    .addOption(jsonOption())
    .action(async (options: DownCommandOptions) => {
      if (process.getuid?.() !== 0) throw new NinesError('E_PERMISSION', 'only root can take a lab down');
      const labs = options.all === true ? await listLabs(MACHINE_PATHS.labsDir) : [await chosenLab(options)];
      const progress = new Progress();
      try {
        for (const lab of labs) {
          const step = progress.step(`${lab.name}: down`);
          await destroyLab(MACHINE_PATHS.labsDir, lab.name, { signal, log: (line) => step.update(line) }).catch((error: unknown) => {
            step.failed('something may be left');
            throw error;
          });
          step.done();
        }
      } finally {
        progress.close();
      }
      if (options.json === true) printJson({ removed: labs.map((lab) => lab.name) });
      else if (labs.length === 0) printLine('there is no lab on this machine');
    });
}
