/** The requests at work, for a stop that waits for them and names those that it could not wait for. */
export class InFlight {
  readonly #requests = new Set<AtWork>();
  readonly #nowMs: () => number;
  #waiting: (() => void)[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @returns what ends it; once is enough. */
  begin(name: string): () => void {
    const request: AtWork = { name, startedAtMs: this.#nowMs() };
    this.#requests.add(request);
    return () => {
      this.#requests.delete(request);
      if (this.#requests.size > 0) return;
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }

  count(): number {
    return this.#requests.size;
  }

  names(): string[] {
    return [...this.#requests].map(({ name, startedAtMs }) => `${name} for ${Math.round(this.#nowMs() - startedAtMs)} ms`);
  }

  async whenIdle(): Promise<void> {
    if (this.#requests.size === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

interface AtWork {
  name: string;
  startedAtMs: number;
}
