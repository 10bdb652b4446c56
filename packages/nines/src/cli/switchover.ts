import { Command } from 'commander';
import { switchover } from '../operations/postgres/switchover.ts';
import { GROUP_ARGUMENT, type GroupOptions, shown, tellChange, withGroup } from './group-action.ts';
import { configOption, durationOption, jsonOption, labOption } from './options.ts';

interface SwitchoverOptions extends GroupOptions {
  to?: string;
}

export function switchoverCommand(signal: AbortSignal): Command {
  return new Command('switchover')
    .description('let another member lead a PostgreSQL group; loses nothing, clients wait for a moment')
    .argument(...GROUP_ARGUMENT)
    .option('--to <host>', 'where it leads then; default: the standby that is least behind')
    .addOption(labOption())
    .addOption(configOption())
    .addOption(durationOption('--timeout <duration>', 'longest time until another one leads', '30s'))
    .addOption(jsonOption())
    .action((wanted: string | undefined, options: SwitchoverOptions) =>
      withGroup(options, wanted, async (cluster, group) => {
        const title = `switchover of ${group}${options.to === undefined ? '' : ` to ${options.to}`}`;
        tellChange(options, await shown(title, options, signal, (followed) => switchover(cluster, group, options.to ?? null, followed)));
      }),
    );
}
