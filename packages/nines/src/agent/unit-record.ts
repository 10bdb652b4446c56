/**
 * What is written down about a running unit, under the run folder: enough for the next agent to adopt it, or to stop
 * it when nobody wants it any more. The start of a process is announced before it happens (`id: null`), so that an
 * agent that dies in between does not lose what it started.
 */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { UnitPlan } from '../engines/engine.ts';
import { readText, writeFileAtomic } from './files.ts';
import type { PlanHashes } from './plan-hash.ts';
import { type ProcessId, readProcess } from './process.ts';
import type { DesiredUnit } from './reconcile.ts';

export interface UnitRecord extends PlanHashes {
  name: string;
  engine: string;
  after: string[];
  stop: UnitPlan['stop'];
  restartCount: number;
  startedAtMs: number;
  /** Null while the start is announced but the process is not known yet. */
  id: ProcessId | null;
}

/** What runs, as what is wanted: nothing is to be done about it. */
export function asWanted({ name, after, restartHash, reloadHash, restartCount }: UnitRecord): DesiredUnit {
  return { name, after, restartHash, reloadHash, restartCount, startTimeoutMs: Number.POSITIVE_INFINITY, held: false };
}

export class UnitRecords {
  readonly #dir: string;

  constructor(runDir: string) {
    this.#dir = join(runDir, 'units');
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
  }

  write(record: UnitRecord): void {
    // On tmpfs: it must not outlive the processes that it speaks of.
    writeFileAtomic(this.#file(record.name), JSON.stringify(record), { mode: 0o600 });
  }

  remove(name: string): void {
    rmSync(this.#file(name), { force: true });
  }

  readAll(): UnitRecord[] {
    const records: UnitRecord[] = [];
    for (const file of readdirSync(this.#dir)) {
      if (!file.endsWith('.json')) continue;
      const text = readText(join(this.#dir, file));
      if (text !== null) records.push(JSON.parse(text) as UnitRecord);
    }
    return records;
  }

  #file(name: string): string {
    return join(this.#dir, `${name}.json`);
  }
}

/**
 * The processes whose standard output is that log file and whose parent's is not, oldest first: the main process of
 * the unit, or what outlived it. Used when a start was announced but never recorded, and before a new start;
 * environments cannot serve as a mark, PostgreSQL and Redis overwrite theirs.
 */
export function processesWithLog(logFile: string): ProcessId[] {
  const writers = new Map<number, { id: ProcessId; parent: number }>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      if (readlinkSync(`/proc/${pid}/fd/1`) !== logFile) continue;
      const id = readProcess(pid);
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (id !== null) writers.set(pid, { id, parent });
    } catch {
      // It ended while we looked at it.
    }
  }
  return [...writers.values()]
    .filter(({ parent }) => !writers.has(parent))
    .map(({ id }) => id)
    .sort((left, right) => left.startTimeTicks - right.startTimeTicks);
}
