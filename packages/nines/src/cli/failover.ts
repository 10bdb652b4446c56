import { Command } from 'commander';
import { EXIT } from '../errors/errors.ts';
import { failover, type FailoverPlan, planFailover, requireLossAllowed } from '../operations/postgres/failover.ts';
import { GROUP_ARGUMENT, type GroupOptions, shown, tellChange, withGroup } from './group-action.ts';
import { configOption, durationOption, jsonOption, labOption } from './options.ts';
import { typed } from './terminal/ask.ts';
import { style } from './terminal/style.ts';

interface FailoverOptions extends GroupOptions {
  to: string;
  allowDataLoss?: boolean;
  yes?: boolean;
}

export function failoverCommand(signal: AbortSignal): Command {
  return new Command('failover')
    .description('let a member lead although acknowledged writes may be lost: when the hosts that have them are gone for good')
    .argument(...GROUP_ARGUMENT)
    .requiredOption('--to <host>', 'the member that leads then, with what it has')
    .option('--allow-data-loss', 'must be given: what this member does not have is lost')
    .option('-y, --yes', 'do not ask')
    .addOption(labOption())
    .addOption(configOption())
    .addOption(durationOption('--timeout <duration>', 'longest time until it leads', '60s'))
    .addOption(jsonOption())
    .action((wanted: string | undefined, options: FailoverOptions) =>
      withGroup(options, wanted, async (cluster, group) => {
        const plan = await planFailover(cluster, group, options.to, signal);
        for (const warning of plan.warnings) process.stderr.write(`${style(process.stderr).yellow('warning')}: ${warning}\n`);
        if (!(await isWanted(plan, options, signal))) {
          process.stderr.write('nothing was changed\n');
          process.exitCode = EXIT.failed;
          return;
        }
        tellChange(
          options,
          await shown(`failover of ${group} to ${options.to}`, options, signal, (followed) => failover(cluster, plan, followed)),
        );
      }),
    );
}

/** @throws NinesError E_USAGE without --allow-data-loss, or without a terminal and --yes */
async function isWanted({ group, to }: FailoverPlan, options: FailoverOptions, signal: AbortSignal): Promise<boolean> {
  requireLossAllowed(group, options.allowDataLoss === true);
  if (options.yes === true) return true;
  return typed(to, `${to} is to lead group '${group}' with what it has.`, 'Give --yes when you are sure.', signal);
}
