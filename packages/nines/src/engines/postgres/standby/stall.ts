/** For how long something has not changed. Pure. */
export class Stall {
  #sign: string | null = null;
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** Milliseconds since the sign was another one, or since the begin. */
  lastsMs(nowMs: number, sign: string): number {
    if (this.#sign !== null && sign !== this.#sign) this.#sinceMs = nowMs;
    this.#sign = sign;
    return nowMs - this.#sinceMs;
  }
}
