import { Command } from 'commander';
import { apply, planApply } from '../operations/apply.ts';
import { Cluster } from '../operations/cluster.ts';
import { loadProject } from '../operations/project.ts';
import { topologyNotes } from '../topology/notes.ts';
import { chosenLab, configOption, durationOption, jsonOption, labOption, type LabOptions } from './options.ts';
import { agreed } from './terminal/ask.ts';
import { printJson, printLine } from './terminal/print.ts';
import { UpScreen } from './up-screen.ts';

interface ApplyCommandOptions extends LabOptions {
  dryRun?: boolean;
  yes?: boolean;
  timeout: number;
  json?: boolean;
}

const APPLY_ELSE = 'Give --yes to apply, or --dry-run to look only.';

export function applyCommand(signal: AbortSignal): Command {
  return new Command('apply')
    .description('change the running cluster to the topology as it is now; shows the difference first')
    .addOption(configOption())
    .addOption(labOption())
    .option('--dry-run', 'only show the difference')
    .option('-y, --yes', 'do not ask')
    .addOption(durationOption('--timeout <duration>', 'longest time until everything is ready', '120s'))
    .addOption(jsonOption())
    .action(async (options: ApplyCommandOptions) => {
      const project = await loadProject(options.config, process.cwd());
      const cluster = await Cluster.open(await chosenLab(options));
      try {
        const plan = await planApply(cluster, project.topology);
        for (const note of topologyNotes(project.topology)) process.stderr.write(`note: ${note}\n`);
        const lines = [...plan.changes.map((change) => change.line), ...waitingLine(plan.waiting)];
        // What is agreed to has to be seen; with --json standard output is the document's alone.
        printLine(lines.length === 0 ? 'nothing to change' : lines.join('\n'), options.json === true ? process.stderr : process.stdout);
        const acts =
          lines.length > 0 && options.dryRun !== true && (options.yes === true || (await agreed('Apply this?', APPLY_ELSE, signal)));
        if (!acts && lines.length > 0) process.stderr.write('nothing was changed\n');
        if (acts) await carryOut(cluster, plan, options.timeout, signal);
        if (options.json === true) printJson({ changes: plan.changes, applied: acts, revision: cluster.spec.revision });
      } finally {
        cluster.close();
      }
    });
}

function waitingLine(waiting: string[]): string[] {
  return waiting.length === 0 ? [] : [`~ ${waiting.length} units go on from an earlier apply that did not come to its end`];
}

async function carryOut(
  cluster: Cluster,
  plan: Awaited<ReturnType<typeof planApply>>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const screen = new UpScreen(cluster.lab.name);
  screen.stage('apply');
  try {
    await apply(cluster, plan, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), (now) => screen.ready(now));
    screen.done();
  } catch (error) {
    screen.failed();
    throw error;
  }
}
