import { Command } from 'commander';
import { setPaused } from '../operations/postgres/pause.ts';
import { GROUP_ARGUMENT, type GroupOptions, shown, withGroup } from './group-action.ts';
import { configOption, durationOption, jsonOption, labOption } from './options.ts';
import { printJson, printLine } from './terminal/print.ts';

export function pauseCommand(signal: AbortSignal): Command {
  return switchedBy(
    'pause',
    'no automatic failover of a PostgreSQL group until resume: whoever leads goes on, a lost leader stays lost',
    true,
    signal,
  );
}

export function resumeCommand(signal: AbortSignal): Command {
  return switchedBy('resume', 'automatic failover of a PostgreSQL group again', false, signal);
}

function switchedBy(name: 'pause' | 'resume', description: string, paused: boolean, signal: AbortSignal): Command {
  return new Command(name)
    .description(description)
    .argument(...GROUP_ARGUMENT)
    .addOption(labOption())
    .addOption(configOption())
    .addOption(durationOption('--timeout <duration>', 'longest time until every agent knows', '10s'))
    .addOption(jsonOption())
    .action((wanted: string | undefined, options: GroupOptions) =>
      withGroup(options, wanted, async (cluster, group) => {
        const reason = await shown(`${name} of ${group}`, options, signal, (followed) => setPaused(cluster, group, paused, followed));
        if (options.json === true) printJson({ group, paused, reason });
        else printLine(`${group}: ${reason}`);
      }),
    );
}
