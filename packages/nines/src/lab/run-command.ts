import { spawn } from 'node:child_process';
import { NinesError } from '../errors/errors.ts';

export interface CommandResult {
  stdout: string;
  stderr: string;
  /** Null when a signal ended it. */
  exitCode: number | null;
}

export interface CommandOptions {
  signal: AbortSignal;
  timeoutMs?: number;
  input?: string;
  env?: Record<string, string>;
}

/** Debian's root may have no sbin in PATH (su without a login shell). */
export const TOOL_ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Marks what is started while a lab is made: it may outlive whoever started it, before it is in any of the lab's namespaces. */
export const MADE_FOR = 'NINES_MADE_FOR';

export function environmentFor(lab: { dir: string }): Record<string, string> {
  return { ...TOOL_ENVIRONMENT, [MADE_FOR]: lab.dir };
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Runs a command to its end and gives back what it said, whatever its exit code.
 * @throws NinesError E_ENGINE_MISSING (no such command), E_LAB_COMMAND (not finished within `timeoutMs`), E_INTERRUPTED
 */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [file, ...args] = argv;
  if (file === undefined) throw new NinesError('E_LAB_COMMAND', 'An empty command was given.');
  if (options.signal.aborted) throw interrupted(argv);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  // A process group of its own: nsenter forks, and its child in the other pid namespace must end with it.
  const child = spawn(file, args, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: options.env ?? TOOL_ENVIRONMENT,
  });
  const stop = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
  const kill = () => killGroup(child.pid);
  stop.addEventListener('abort', kill, { once: true });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A command that ends without reading its input is judged by its exit code, not by EPIPE.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (error) => reject(missing(file, error)));
      child.once('close', resolve);
    });
    if (options.signal.aborted) throw interrupted(argv);
    if (stop.aborted) throw new NinesError('E_LAB_COMMAND', `'${argv.join(' ')}' did not end within ${timeoutMs} ms.`);
    return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), exitCode };
  } finally {
    stop.removeEventListener('abort', kill);
  }
}

/**
 * Runs a command that has to succeed; gives back its standard output.
 * @throws NinesError as `runCommand`, and E_LAB_COMMAND with the command's own words when it fails
 */
export async function mustRun(argv: readonly string[], options: CommandOptions): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.exitCode !== 0) {
    const words = result.stderr.trim() || result.stdout.trim() || `exit code ${result.exitCode}`;
    throw new NinesError('E_LAB_COMMAND', `'${argv.join(' ')}' failed: ${words}`);
  }
  return result.stdout;
}

/** Runs lines of `ip` in one process: a lab of three hosts takes 50 of them. */
export async function runIpBatch(lines: readonly string[], options: CommandOptions): Promise<void> {
  if (lines.length === 0) return;
  await mustRun(['ip', '-batch', '-'], { ...options, input: `${lines.join('\n')}\n` });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function interrupted(argv: readonly string[]): NinesError {
  return new NinesError('E_INTERRUPTED', `'${argv.join(' ')}' was interrupted.`);
}

function missing(file: string, error: Error): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error;
  return new NinesError('E_ENGINE_MISSING', `The command '${file}' is not installed.`, { cause: error });
}
