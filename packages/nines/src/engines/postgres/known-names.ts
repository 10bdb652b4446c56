/** `synchronous_standby_names` as the postmaster that runs was seen to have it: seen once, it need not be looked at by another connection. */
export class KnownNames {
  #seen: { names: string; pid: number } | null = null;

  /** A connection that this postmaster let in after the signal showed it. */
  seen(names: string, pid: number | null): void {
    this.#seen = pid === null ? null : { names, pid };
  }

  /** Something is written for it to load. */
  forget(): void {
    this.#seen = null;
  }

  /** Null: not known. */
  of(pid: number | null): string | null {
    return this.#seen !== null && this.#seen.pid === pid ? this.#seen.names : null;
  }
}
