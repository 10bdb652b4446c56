/** The postmaster of one unit: spawned on request, written down so that the next agent adopts it, its end told. */
import type { ServerProcess } from '../../engines/postgres/control.ts';
import { type ProcessId, isAlive, signalProcess } from '../process.ts';
import { type Spawned } from '../spawn.ts';
import { processesWithLog, type UnitRecord, type UnitRecords } from '../unit-record.ts';

/** An adopted postmaster is not our child: its end is found by looking, and a failover waits for that. */
const ADOPTED_POLL_MS = 20;

export interface RecordedServerOptions {
  name: string;
  logFile: string;
  records: Pick<UnitRecords, 'write' | 'remove'>;
  /** Writes the unit's files, and says what the process is started with. */
  prepare(): Omit<UnitRecord, 'id'>;
  spawn(): Promise<Spawned>;
  started(pid: number): void;
  /** Called before anybody who waits for the end learns of it. */
  ended(how: string): void;
}

export class RecordedServer implements ServerProcess {
  readonly #options: RecordedServerOptions;
  #record: UnitRecord | null = null;
  #spawning = false;
  #end = Promise.withResolvers<void>();
  #poll: NodeJS.Timeout | null = null;

  constructor(options: RecordedServerOptions) {
    this.#options = options;
    this.#end.resolve();
  }

  get pid(): number | null {
    return this.#record?.id?.pid ?? null;
  }

  get record(): UnitRecord | null {
    return this.#record;
  }

  /** Of an earlier agent; false when it is gone. */
  adopt(record: UnitRecord): boolean {
    const { name, logFile, records } = this.#options;
    const id = record.id ?? processesWithLog(logFile)[0];
    if (id === undefined || !isAlive(id)) {
      records.remove(name);
      return false;
    }
    this.#began({ ...record, id });
    this.#poll = setInterval(() => {
      if (!isAlive(id)) this.#ended(id, 'ended (it was adopted: no exit code is known)');
    }, ADOPTED_POLL_MS);
    this.#poll.unref();
    return true;
  }

  async spawn(signal: AbortSignal): Promise<void> {
    if (this.#record !== null || this.#spawning) throw new Error(`${this.#options.name} runs already`);
    this.#spawning = true;
    try {
      signal.throwIfAborted();
      const announced: UnitRecord = { ...this.#options.prepare(), id: null };
      this.#options.records.write(announced);
      const { id, exited } = await this.#options.spawn();
      // Before it is written down, which may fail (a full run folder): an end that nobody hears of would be waited for for ever.
      void exited.then(({ code, signal: by }) => {
        this.#ended(id, by === null ? `exited with code ${code}` : `was ended by ${by}`);
      });
      this.#began({ ...announced, id });
      this.#options.started(id.pid);
    } finally {
      this.#spawning = false;
    }
  }

  kill(signal: NodeJS.Signals): void {
    const id = this.#record?.id;
    if (id !== undefined && id !== null) signalProcess(id, signal);
  }

  async gone(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#end.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** What it is started with changed without a new start: its files were read again. */
  note(change: Partial<Pick<UnitRecord, 'reloadHash' | 'after' | 'stop'>>): void {
    if (this.#record === null) return;
    this.#record = { ...this.#record, ...change };
    this.#options.records.write(this.#record);
  }

  /** The agent goes; the process stays. */
  release(): void {
    if (this.#poll !== null) clearInterval(this.#poll);
    this.#poll = null;
  }

  #began(record: UnitRecord): void {
    this.#record = record;
    this.#end = Promise.withResolvers();
    this.#options.records.write(record);
  }

  #ended(id: ProcessId, how: string): void {
    if (this.#record?.id?.pid !== id.pid) return;
    this.release();
    this.#record = null;
    this.#options.records.remove(this.#options.name);
    this.#options.ended(how);
    this.#end.resolve();
  }
}
