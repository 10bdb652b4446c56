import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { EXIT, NinesError } from '../errors/errors.ts';
import { Cluster } from '../operations/cluster.ts';
import type { PlacedUnit } from '../topology/cluster-spec.ts';
import { chosenLab, configOption, jsonOption, labOption, type LabOptions } from './options.ts';
import { printJson } from './terminal/print.ts';
import { style } from './terminal/style.ts';

interface LogsCommandOptions extends LabOptions {
  host?: string;
  lines: string;
  follow?: boolean;
  json?: boolean;
}

const FOLLOW_EVERY_MS = 500;
const FOLLOW_LINES = 2_000;

export function logsCommand(signal: AbortSignal): Command {
  return new Command('logs')
    .description('the last lines of the logs of a unit, a service, or everything')
    .argument('[unit]', 'a unit (postgres-main), or a service (all its instances)')
    .addOption(labOption())
    .addOption(configOption())
    .option('--host <name>', 'only on that host')
    .option('-n, --lines <count>', 'lines of each', '20')
    .option('-f, --follow', 'go on with new lines, until Ctrl-C')
    .addOption(jsonOption())
    .action(async (name: string | undefined, options: LogsCommandOptions) => {
      if (options.json === true && options.follow === true)
        throw new NinesError('E_USAGE', '--json is one document: it has no end with --follow');
      const lines = Number(options.lines);
      if (!Number.isInteger(lines) || lines < 1) throw new NinesError('E_USAGE', `--lines: '${options.lines}' is no count of lines`);
      const cluster = await Cluster.open(await chosenLab(options));
      try {
        const units = chosenUnits(cluster, name, options.host);
        const logs = await Promise.all(units.map((unit) => lastWords(cluster, unit, lines, signal)));
        signal.throwIfAborted();
        if (logs.some(({ error }) => error !== null)) process.exitCode = EXIT.failed;
        if (options.json === true) {
          return printJson(
            logs.map(({ unit, text, error }) => ({
              unit: unit.name,
              host: unit.host,
              lines: text === '' ? [] : text.split('\n'),
              error,
            })),
          );
        }
        for (const { unit, text, error } of logs) {
          write(unit, text);
          if (error !== null) process.stderr.write(`${unit.name}@${unit.host}: ${error}\n`);
        }
        if (options.follow === true) await follow(cluster, logs, signal);
      } finally {
        cluster.close();
      }
    });
}

function chosenUnits(cluster: Cluster, name: string | undefined, host: string | undefined): PlacedUnit[] {
  const all = cluster.spec.placement.units;
  const units = all.filter(
    (unit) => (name === undefined || unit.name === name || unit.group === name) && (host === undefined || unit.host === host),
  );
  if (units.length > 0) return units;
  const known = [...new Set(all.map((unit) => unit.name))].sort().join(', ');
  throw new NinesError('E_USAGE', `no unit matches '${name ?? ''}'${host === undefined ? '' : ` on host '${host}'`}; there are ${known}`);
}

function tail(cluster: Cluster, unit: PlacedUnit, lines: number, signal: AbortSignal): Promise<string> {
  return cluster.agents.log(cluster.addresses[unit.host] ?? '', unit.name, lines, signal);
}

interface LastWords {
  unit: PlacedUnit;
  text: string;
  /** Why there are none; a host that is cut off must not hide the logs of the others. */
  error: string | null;
}

async function lastWords(cluster: Cluster, unit: PlacedUnit, lines: number, signal: AbortSignal): Promise<LastWords> {
  try {
    return { unit, text: await tail(cluster, unit, lines, signal), error: null };
  } catch (error) {
    return { unit, text: '', error: error instanceof Error ? error.message : String(error) };
  }
}

function write(unit: PlacedUnit, text: string): void {
  if (text === '') return;
  const prefix = style().cyan(`${unit.name}@${unit.host} |`);
  process.stdout.write(
    `${text
      .split('\n')
      .map((line) => `${prefix} ${line}`)
      .join('\n')}\n`,
  );
}

async function follow(cluster: Cluster, logs: { unit: PlacedUnit; text: string }[], signal: AbortSignal): Promise<void> {
  const seen = new Map(logs.map(({ unit, text }) => [unit, text.split('\n').at(-1) ?? '']));
  while (!signal.aborted) {
    await delay(FOLLOW_EVERY_MS, undefined, { signal }).catch(() => undefined);
    for (const { unit } of logs) {
      const text = await tail(cluster, unit, FOLLOW_LINES, signal).catch(() => '');
      const lines = text === '' ? [] : text.split('\n');
      const from = lines.lastIndexOf(seen.get(unit) ?? '') + 1;
      if (from >= lines.length) continue;
      write(unit, lines.slice(from).join('\n'));
      seen.set(unit, lines.at(-1) ?? '');
    }
  }
}
