import { Command } from 'commander';
import { reinit } from '../operations/postgres/reinit.ts';
import { GROUP_ARGUMENT, type GroupOptions, shown, withGroup } from './group-action.ts';
import { configOption, durationOption, jsonOption, labOption } from './options.ts';
import { duration } from './terminal/duration.ts';
import { printJson, printLine } from './terminal/print.ts';

export function reinitCommand(signal: AbortSignal): Command {
  return new Command('reinit')
    .description('replace the data of a member by a copy of the leader; the old data stays until the copy is complete')
    .argument('<host>', 'the host of the member')
    .argument(...GROUP_ARGUMENT)
    .addOption(labOption())
    .addOption(configOption())
    .addOption(durationOption('--timeout <duration>', 'longest time until it follows again', '1h'))
    .addOption(jsonOption())
    .action((host: string, wanted: string | undefined, options: GroupOptions) =>
      withGroup(options, wanted, async (cluster, group) => {
        const made = await shown(`copying ${group} to ${host}`, options, signal, (followed) => reinit(cluster, group, host, followed));
        if (options.json === true) return printJson({ ...made, tookMs: Math.round(made.tookMs) });
        printLine(`${host} follows ${made.leader} again, after ${duration(made.tookMs)}`);
      }),
    );
}
