import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { EXIT } from '../errors/errors.ts';
import { Cluster } from '../operations/cluster.ts';
import { presentViews } from '../operations/postgres/group.ts';
import { readiness } from '../operations/readiness.ts';
import { chosenLab, configOption, jsonOption, labOption, type LabOptions } from './options.ts';
import { groupLines } from './group-lines.ts';
import { clusterTable, headline } from './status-table.ts';
import { printJson, printLine } from './terminal/print.ts';

interface StatusCommandOptions extends LabOptions {
  watch?: boolean;
  json?: boolean;
}

const WATCH_EVERY_MS = 1_000;

export function statusCommand(signal: AbortSignal): Command {
  return new Command('status')
    .description('who runs what, in which role, and why; exit 1 when something is not ready')
    .addOption(labOption())
    .addOption(configOption())
    .option('-w, --watch', 'again every second, until Ctrl-C')
    .addOption(jsonOption())
    .action(async (options: StatusCommandOptions) => {
      const cluster = await Cluster.open(await chosenLab(options));
      try {
        if (options.watch === true) return await watch(cluster, options, signal);
        process.exitCode = (await show(cluster, options, signal)) ? EXIT.good : EXIT.failed;
      } finally {
        cluster.close();
      }
    });
}

/** True when everything is ready. */
async function show(cluster: Cluster, options: StatusCommandOptions, signal: AbortSignal, before = ''): Promise<boolean> {
  await cluster.fetchSpec().catch(() => undefined); // etcd away: the last known desired state serves.
  const [answers, postgres] = await Promise.all([cluster.states(signal), presentViews(cluster, signal)]);
  // After Ctrl-C every host would be called unreachable.
  signal.throwIfAborted();
  const { missing } = readiness(cluster.spec, answers);
  if (options.json === true) {
    printJson({
      lab: cluster.lab.name,
      revision: cluster.spec.revision,
      gateway: cluster.spec.gatewayAddress,
      ready: missing.length === 0,
      missing,
      postgres,
      hosts: answers,
    });
  } else {
    const groups = groupLines(cluster.spec, postgres, process.stdout);
    const top = [headline(cluster.spec, answers, process.stdout), ...groups].join('\n');
    printLine(`${before}${top}\n\n${clusterTable(cluster.spec, answers, process.stdout)}`);
  }
  return missing.length === 0;
}

async function watch(cluster: Cluster, options: StatusCommandOptions, signal: AbortSignal): Promise<void> {
  const clear = process.stdout.isTTY && options.json !== true ? '\u001b[H\u001b[2J' : '';
  while (!signal.aborted) {
    try {
      await show(cluster, options, signal, clear);
      await delay(WATCH_EVERY_MS, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
