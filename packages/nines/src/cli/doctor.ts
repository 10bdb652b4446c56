/** `nines doctor`: what this machine has and lacks for the lab, and the line that repairs it. */
import { Command } from 'commander';
import { run } from '../agent/run.ts';
import { detectMachine } from '../engines/machine/detect.ts';
import { type CheckState, type MachineReport, machineReport } from '../engines/machine/report.ts';
import { TOOLS } from '../engines/machine/tools.ts';
import { EXIT } from '../errors/errors.ts';
import { printJson, printLine } from './terminal/print.ts';
import { type Style, style } from './terminal/style.ts';
import { table } from './terminal/table.ts';

const DOCTOR_TIMEOUT_MS = 30_000;

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('look at this machine: engines, accounts, kernel features; print the line that installs what is missing')
    .option('--json', 'print the report as JSON (docs/reference/doctor.md)')
    .action(async (options: { json?: boolean }) => {
      const signal = AbortSignal.timeout(DOCTOR_TIMEOUT_MS);
      const facts = await detectMachine(TOOLS, { signal, run: (argv, limits) => run(argv, { ...limits, signal }) });
      const report = machineReport(facts, TOOLS);
      if (options.json === true) printJson(report);
      else printLine(doctorText(report, style()));
      process.exitCode = report.ready ? EXIT.good : EXIT.environment;
    });
}

/** The report for a person. Pure. */
export function doctorText(report: MachineReport, colours: Style): string {
  const mark: Record<CheckState, string> = {
    ok: colours.green('ok'),
    missing: colours.red('missing'),
    old: colours.red('old'),
    unknown: colours.yellow('unknown'),
  };
  const rows = report.checks.map((check) => [mark[check.state], check.kind, check.name, check.wanted, check.found]);
  const paragraphs = [table(rows, ['state', 'kind', 'what', 'wanted', 'found']), ...report.notes];
  if (report.install !== null) paragraphs.push(`Install what is missing:\n  ${colours.bold(report.install)}`);
  paragraphs.push(report.ready ? colours.green('This machine can run the lab.') : colours.red('This machine cannot run the lab yet.'));
  return paragraphs.join('\n\n');
}
