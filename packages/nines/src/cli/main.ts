/** The command line: assembled here, one file per command. */
import { mkdirSync } from 'node:fs';
import { createRequire, enableCompileCache } from 'node:module';
import { Command, CommanderError } from 'commander';
import { ERRORS, EXIT, NinesError } from '../errors/errors.ts';
import { MACHINE_PATHS } from '../operations/up.ts';
import { applyCommand } from './apply.ts';
import { doctorCommand } from './doctor.ts';
import { downCommand } from './down.ts';
import { execCommand } from './exec.ts';
import { explainCommand } from './explain.ts';
import { failoverCommand } from './failover.ts';
import { initCommand } from './init.ts';
import { logsCommand } from './logs.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { reinitCommand } from './reinit.ts';
import { restartCommand } from './restart.ts';
import { statusCommand } from './status.ts';
import { switchoverCommand } from './switchover.ts';
import { printJson } from './terminal/print.ts';
import { style } from './terminal/style.ts';
import { upCommand } from './up.ts';

const { version } = createRequire(import.meta.url)('nines/package.json') as { version: string };

export function createProgram(signal: AbortSignal): Command {
  const program = new Command('nines')
    .description('High availability for Node services: builds the nines, then proves them.')
    .version(version)
    .enablePositionalOptions() // exec passes the options after the tool's name on to the tool
    .showHelpAfterError("(see 'nines --help')");
  const commands = [
    initCommand(),
    doctorCommand(),
    upCommand(signal),
    statusCommand(signal),
    logsCommand(signal),
    applyCommand(signal),
    restartCommand(signal),
    explainCommand(signal),
    switchoverCommand(signal),
    failoverCommand(signal),
    pauseCommand(signal),
    resumeCommand(signal),
    reinitCommand(signal),
    execCommand(signal),
    downCommand(signal),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands]) command.exitOverride();
  return program;
}

/** Runs a command to its end and sets the exit code. The first Ctrl-C ends it in order, a second one at once. */
export async function main(argv: string[]): Promise<void> {
  useCompileCache();
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => interrupted.abort(new NinesError('E_INTERRUPTED', `interrupted by ${signal}`)));
  }
  const hasReader = endWithReader(interrupted);
  try {
    await createProgram(interrupted.signal).parseAsync(argv);
  } catch (error) {
    if (!hasReader()) return;
    // What a deadline or a closed connection says after Ctrl-C is only its echo.
    report(interrupted.signal.aborted ? interrupted.signal.reason : error, argv.includes('--json'));
  }
}

/**
 * Ends the command, in order, when its output cannot be written any more: `nines status --watch | head`, a terminal that
 * was closed, a full disk. @returns whether somebody still reads standard output: if not, there is nobody to complain to.
 */
function endWithReader(interrupted: AbortController): () => boolean {
  let hasReader = true;
  const ends = (error: NodeJS.ErrnoException): void => {
    interrupted.abort(new NinesError('E_INTERRUPTED', `its output cannot be written: ${error.message}`, { cause: error }));
  };
  process.stderr.on('error', ends);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') hasReader = false;
    ends(error);
  });
  return () => hasReader;
}

function useCompileCache(): void {
  if (process.getuid?.() !== 0) return;
  try {
    mkdirSync(MACHINE_PATHS.cacheDir, { recursive: true, mode: 0o700 });
    enableCompileCache(MACHINE_PATHS.cacheDir);
  } catch {
    // A read-only disk: everything works, only slower.
  }
}

function report(error: unknown, json: boolean): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.good : EXIT.usage;
    // Commander has told the person already.
    const message = error.message.replace(/^error: /, '');
    if (json && error.exitCode !== 0) printJson({ error: { code: 'E_USAGE', message, hint: ERRORS.E_USAGE.hint } });
    return;
  }
  const known = error instanceof NinesError ? error : null;
  process.exitCode = known?.exit ?? EXIT.failed;
  const message = error instanceof Error ? error.message : String(error);
  if (json) printJson({ error: { code: known?.code ?? 'E_INTERNAL', message, hint: known?.hint ?? null } });
  const colours = style(process.stderr);
  process.stderr.write(`${colours.red('error')} ${known?.code ?? 'E_INTERNAL'}: ${message}\n`);
  if (known === null && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  else if (known !== null) process.stderr.write(`${colours.cyan('what to do')}: ${known.hint}\n`);
}
