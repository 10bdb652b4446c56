/**
 * What the log says about a dependency: one line when it goes away, one when it is back. A line per failed request
 * would fill the disk at the very moment when everything else is in trouble.
 */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export class DependencyLog {
  readonly #name: string;
  readonly #log: Log;
  readonly #nowMs: () => number;
  #awaySinceMs: number | null = null;
  #failures = 0;

  constructor(name: string, log: Log, nowMs: () => number = () => performance.now()) {
    this.#name = name;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  failed(error: unknown): void {
    this.#failures += 1;
    if (this.#awaySinceMs !== null) return;
    this.#awaySinceMs = this.#nowMs();
    const reason = error instanceof Error ? error.message : String(error);
    this.#log.warn({ dependency: this.#name, reason }, `${this.#name} does not answer`);
  }

  worked(): void {
    if (this.#awaySinceMs === null) return;
    const awayMs = Math.round(this.#nowMs() - this.#awaySinceMs);
    this.#log.info({ dependency: this.#name, awayMs, failures: this.#failures }, `${this.#name} answers again`);
    this.#awaySinceMs = null;
    this.#failures = 0;
  }
}
