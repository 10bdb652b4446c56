import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { EXIT } from '../errors/errors.ts';
import type { GroupCluster } from '../operations/postgres/group.ts';
import { decisionsSince, membersNow, type Told } from '../operations/postgres/explain.ts';
import { withoutRepeats } from '../operations/postgres/repeats.ts';
import { decisionRows, describedRules, nowRows, rulesTable } from './explain-table.ts';
import { GROUP_ARGUMENT, withGroup } from './group-action.ts';
import { configOption, durationOption, jsonLinesOption, labOption, type LabOptions } from './options.ts';
import { printLine } from './terminal/print.ts';

interface ExplainOptions extends LabOptions {
  since: number;
  rules?: boolean;
  follow?: boolean;
  json?: boolean;
}

const FOLLOW_EVERY_MS = 500;

export function explainCommand(signal: AbortSignal): Command {
  return new Command('explain')
    .description('why a PostgreSQL group is led as it is: every decision, and what stood against those that were not taken')
    .argument(...GROUP_ARGUMENT)
    .addOption(labOption())
    .addOption(configOption())
    .addOption(durationOption('--since <duration>', 'how far back', '10m'))
    .option('-f, --follow', 'go on with new decisions, until Ctrl-C')
    .option('--rules', 'only the rules themselves, in the order in which they are tried')
    .addOption(jsonLinesOption())
    .action(async (wanted: string | undefined, options: ExplainOptions) => {
      if (options.rules === true) return tellRules(options.json === true);
      await withGroup(options, wanted, (cluster, group) => tell(cluster, group, options, signal));
    });
}

function tellRules(json: boolean): void {
  if (!json) return printLine(rulesTable(process.stdout));
  for (const rule of describedRules()) printLine(JSON.stringify(rule));
}

async function tell(cluster: GroupCluster, group: string, options: ExplainOptions, signal: AbortSignal): Promise<void> {
  const startMs = Date.now() - options.since;
  const seen = new Map<string, number>();
  const more = async (): Promise<Told> => {
    const told = await decisionsSince(cluster, group, (host) => seen.get(host) ?? startMs, signal);
    for (const { host, atMs } of told.decisions) seen.set(host, atMs + 1);
    return told;
  };
  const first = await more();
  print(first, options);
  for (const { host, error } of first.silent) process.stderr.write(`${host}: ${error}\n`);
  if (first.silent.length > 0) process.exitCode = EXIT.failed;
  if (options.follow === true) {
    while (!signal.aborted) {
      await delay(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) print(await more(), options);
    }
  } else if (options.json !== true) {
    if (first.decisions.length === 0) printLine('nothing was decided in that time');
    printLine(`\n${nowRows(await membersNow(cluster, group, signal), process.stdout)}`);
  }
}

function print({ decisions }: Told, { json }: ExplainOptions): void {
  if (json === true) for (const decision of decisions) printLine(JSON.stringify(decision));
  else if (decisions.length > 0) printLine(decisionRows(withoutRepeats(decisions), process.stdout, clockTime));
}

/** As this machine's clock shows it: '14:03:07.120'. */
function clockTime(atMs: number): string {
  const at = new Date(atMs);
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}
