/** Short-lived tools (initdb, openssl, ip): run to the end, output captured, never longer than the deadline. */
import { spawn } from 'node:child_process';
import type { RunOptions } from '../engines/engine.ts';
import { ordinaryPriority } from './spawn.ts';
import { asUser, SETPRIV } from './users.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

export class RunError extends Error {
  override readonly name = 'RunError';
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(message: string, exitCode: number | null, stderr: string) {
    super(message);
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Resolves with the output at exit 0; rejects with RunError otherwise, or when the signal or the deadline ended it. */
export async function run(argv: string[], options: RunOptions & { signal: AbortSignal }): Promise<{ stdout: string; stderr: string }> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)]);
  signal.throwIfAborted();
  const [file, ...args] = options.user === undefined ? argv : endingWithUs(asUser(options.user, argv));
  if (file === undefined) throw new RunError('empty argv', null, '');
  // A session of its own, so that the deadline also ends what the tool started.
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: options.env ?? { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (child.pid !== undefined) ordinaryPriority(child.pid);
  const stop = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It ended in the meantime.
    }
  };
  signal.addEventListener('abort', stop, { once: true });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout.length < MAX_OUTPUT_BYTES) stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < MAX_OUTPUT_BYTES) stderr += text;
  });
  child.stdin.on('error', () => undefined); // EPIPE when the tool does not read its input: its exit tells.
  child.stdin.end(options.input ?? '');
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (signal.aborted) throw new RunError(`${argv[0]} did not end in time`, null, stderr);
    if (code !== 0) throw new RunError(`${argv[0]} failed with exit ${code}: ${tellingLines(stderr || stdout)}`, code, stderr);
    return { stdout, stderr };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** An agent that is killed takes the tool with it: the next agent starts it again, and two would work on the same files. */
function endingWithUs(argv: string[]): string[] {
  const [file = '', ...args] = argv;
  return file === SETPRIV ? [file, '--pdeathsig=KILL', ...args] : argv;
}

/** The line that names the error, if one does (a stack follows it in Node's words); else the last ones. */
function tellingLines(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const named = lines.find((line) => /(error|fatal)\b/i.test(line) && !/^at |\bthrow /.test(line));
  return (
    named ??
    lines
      .filter((line) => line !== '')
      .slice(-3)
      .join(' | ')
  );
}
