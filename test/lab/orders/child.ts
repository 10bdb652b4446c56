/** A process of a test: dies with the test, and its end is awaited. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface Child {
  readonly pid: number;
  /** Everything it has written so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** SIGKILL when the deadline passes. */
  stop(signal?: NodeJS.Signals, limitMs?: number): Promise<number | null>;
}

export function startChild(argv: string[], options: { user?: string; env?: Record<string, string>; cwd?: string } = {}): Child {
  const user = options.user === undefined ? [] : [`--reuid=${options.user}`, `--regid=${options.user}`, '--clear-groups'];
  const child: ChildProcess = spawn('/usr/bin/setpriv', ['--pdeathsig=KILL', ...user, '--', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...options.env },
    cwd: options.cwd ?? '/',
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  if (child.pid === undefined) throw new Error(`could not start ${argv[0]}`);
  const { pid } = child;
  return {
    pid,
    output: () => output,
    kill: (signal) => void child.kill(signal),
    ended,
    async stop(signal = 'SIGTERM', limitMs = 5_000) {
      child.kill('SIGCONT');
      child.kill(signal);
      const killer = setTimeout(() => child.kill('SIGKILL'), limitMs);
      try {
        return await ended;
      } finally {
        clearTimeout(killer);
      }
    },
  };
}

/** The processes that this one started, directly. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** Resolves with the milliseconds that it took. */
export async function until(what: string, condition: () => Promise<boolean>, limitMs = 10_000): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    if (await condition().catch(() => false)) return performance.now() - startedAt;
    if (performance.now() - startedAt > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await delay(10);
  }
}
