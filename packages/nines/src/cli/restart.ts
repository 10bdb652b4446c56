import { Command } from 'commander';
import { Cluster } from '../operations/cluster.ts';
import { rollingRestart } from '../operations/restart.ts';
import { chosenLab, configOption, durationOption, jsonOption, labOption, type LabOptions } from './options.ts';
import { printJson, printLine } from './terminal/print.ts';
import { Progress, type Step } from './terminal/progress.ts';

interface RestartCommandOptions extends LabOptions {
  timeout: number;
  json?: boolean;
}

export function restartCommand(signal: AbortSignal): Command {
  return new Command('restart')
    .description('restart a service (or a unit on every host) one by one; the next only when all is ready again')
    .argument('<name>', 'a service, or a unit such as redis-cache')
    .addOption(labOption())
    .addOption(configOption())
    .addOption(durationOption('--timeout <duration>', 'longest time for one unit', '60s'))
    .addOption(jsonOption())
    .action(async (name: string, options: RestartCommandOptions) => {
      const cluster = await Cluster.open(await chosenLab(options));
      const progress = new Progress();
      let step: Step | null = null;
      try {
        const units = await rollingRestart(cluster, name, {
          unitTimeoutMs: options.timeout,
          signal,
          progress: {
            began: (unit, index, total) => {
              step?.done();
              step = progress.step(`${index + 1} of ${total}: ${unit.name} on ${unit.host}`);
            },
          },
        });
        (step as Step | null)?.done();
        if (options.json === true) printJson({ restarted: units.map((unit) => ({ unit: unit.name, host: unit.host })) });
        else printLine(`${units.length} restarted, all ready`);
      } catch (error) {
        (step as Step | null)?.failed('not ready again; the others were left alone');
        throw error;
      } finally {
        progress.close();
        cluster.close();
      }
    });
}
