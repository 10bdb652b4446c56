/** The requests at work, for a stop that waits for them and names those that it could not wait for. */
export class InFlight {
  readonly #requests = new Map<string, { name: string; startedAtMs: number }>();
  readonly #nowMs: () => number;
  #waiting: (() => void)[] = [];

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  begin(id: string, name: string): void {
    this.#requests.set(id, { name, startedAtMs: this.#nowMs() });
  }

  end(id: string): void {
    this.#requests.delete(id);
    if (this.#requests.size > 0) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting = [];
  }

  count(): number {
    return this.#requests.size;
  }

  names(): string[] {
    return [...this.#requests.values()].map(({ name, startedAtMs }) => `${name} for ${Math.round(this.#nowMs() - startedAtMs)} ms`);
  }

  async whenIdle(): Promise<void> {
    if (this.#requests.size === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
