import { Command } from 'commander';
import { loadProject } from '../operations/project.ts';
import { bringUp, MACHINE_PATHS } from '../operations/up.ts';
import { topologyNotes } from '../topology/notes.ts';
import { configOption, durationOption, jsonOption, newLabOption } from './options.ts';
import { UpScreen } from './up-screen.ts';
import { printJson, printLine } from './terminal/print.ts';
import { clusterTable } from './status-table.ts';

interface UpCommandOptions {
  config?: string;
  lab?: string;
  json?: boolean;
  timeout: number;
}

export function upCommand(signal: AbortSignal): Command {
  return new Command('up')
    .description('bring the whole topology up in the lab on this machine')
    .addOption(configOption())
    .addOption(newLabOption())
    .addOption(durationOption('--timeout <duration>', 'longest time until everything is ready', '90s'))
    .addOption(jsonOption())
    .action(async (options: UpCommandOptions) => {
      const project = await loadProject(options.config, process.cwd());
      const labName = options.lab ?? project.topology.name;
      for (const note of topologyNotes(project.topology)) process.stderr.write(`note: ${note}\n`);
      const screen = new UpScreen(labName);
      const startedAt = performance.now();
      try {
        const cluster = await bringUp({ ...MACHINE_PATHS, project, labName, timeoutMs: options.timeout, signal, progress: screen });
        try {
          screen.done();
          const answers = await cluster.states(signal);
          const gateway = cluster.spec.topology.gateway;
          const url = gateway === null ? null : `http://${cluster.spec.gatewayAddress}:${gateway.port}/`;
          if (options.json === true) {
            return printJson({
              lab: labName,
              url,
              tookMs: Math.round(performance.now() - startedAt),
              hosts: answers.map((answer) => answer.state),
            });
          }
          printLine(clusterTable(cluster.spec, answers, process.stdout));
          if (url !== null) printLine(`\nThe gateway answers at ${url}`);
          printLine(`Next: nines status --watch, nines logs, nines down`);
        } finally {
          cluster.close();
        }
      } catch (error) {
        screen.failed();
        throw error;
      }
    });
}
