/** The writers, in a process of their own: what the bench does to the hosts does not delay them. Ends with its parent. */
import { setNiceness } from '../../packages/nines/src/load/priority.ts';
import { monotonicMs, type FromWriters, type ToWriters, type WriterOptions } from './writers/protocol.ts';
import { PACE_MS, write } from './writers/writer.ts';
import type { DatabaseAccess } from './system.ts';

const PROGRESS_MS = 50;
const LAG_CHECK_MS = 10;

// What measures goes before what is measured, whichever system that is.
setNiceness(0, -10);

const stopped = new AbortController();
const ids: number[] = [];
const ackedAtMs: number[] = [];
const errors: Record<string, number> = {};
let failed = 0;
let loopLagMs = 0;

process.on('disconnect', () => process.exit(0));
process.on('message', (message: ToWriters) => {
  if (message.kind === 'stop') stopped.abort();
  else void run(message.access, message);
});

async function run(access: DatabaseAccess, { writers, firstWriter = 0, paceMs = PACE_MS }: WriterOptions): Promise<void> {
  const newest = Array.from({ length: writers }, () => 0);
  const attempts = newest.map(() => 0);
  const writing = newest.map((_, index) =>
    write(
      { number: firstWriter + index, paceMs },
      access,
      {
        attempted: () => {
          attempts[index] = (attempts[index] ?? 0) + 1;
        },
        acked: (id, atMs) => {
          ids.push(id);
          ackedAtMs.push(atMs);
          newest[index] = atMs;
        },
        failed: (error) => {
          failed += 1;
          const words = wordsOf(error);
          errors[words] = (errors[words] ?? 0) + 1;
        },
      },
      stopped.signal,
    ),
  );
  const timers = [setInterval(() => report(newest), PROGRESS_MS), watchLag()];
  await Promise.all(writing);
  for (const timer of timers) clearInterval(timer);
  const result = { ids: Float64Array.from(ids), ackedAtMs: Float64Array.from(ackedAtMs), failed, errors, loopLagMs, attempts };
  say({ kind: 'result', ...result });
}

function report(newest: number[]): void {
  say({
    kind: 'progress',
    atMs: monotonicMs(),
    acked: ids.length,
    newestAckMs: Math.max(...newest),
    slowestAckMs: Math.min(...newest),
  });
}

function watchLag(): NodeJS.Timeout {
  let lastMs = monotonicMs();
  return setInterval(() => {
    const now = monotonicMs();
    loopLagMs = Math.max(loopLagMs, now - lastMs - LAG_CHECK_MS);
    lastMs = now;
  }, LAG_CHECK_MS);
}

function wordsOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return `${code ?? ''} ${message ?? String(error)}`.trim();
}

function say(message: FromWriters): void {
  process.send?.(message);
}
