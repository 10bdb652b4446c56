/** What happens when: the earliest first, and of two at one moment the one that was planned first. */
export interface Entry {
  atMs: number;
  order: number;
  /** Whose it is: it waits while that part is frozen, and is forgotten when that life is over. Null: the network's or etcd's. */
  owner: { node: string; life: number; part: 'agent' | 'server' } | null;
  run: () => void;
}

export class Agenda {
  readonly #heap: Entry[] = [];
  #order = 0;

  add(entry: Omit<Entry, 'order'>): void {
    const heap = this.#heap;
    heap.push({ ...entry, order: this.#order++ });
    for (let at = heap.length - 1; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(at, above)) return;
      this.#exchange(at, above);
      at = above;
    }
  }

  take(): Entry | null {
    const heap = this.#heap;
    if (heap.length === 0) return null;
    this.#exchange(0, heap.length - 1);
    const first = heap.pop() as Entry;
    for (let at = 0; ; ) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2]) if (below < heap.length && this.#isBefore(below, least)) least = below;
      if (least === at) return first;
      this.#exchange(at, least);
      at = least;
    }
  }

  #isBefore(left: number, right: number): boolean {
    const [one, other] = [this.#heap[left] as Entry, this.#heap[right] as Entry];
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
  }

  #exchange(left: number, right: number): void {
    const kept = this.#heap[left] as Entry;
    this.#heap[left] = this.#heap[right] as Entry;
    this.#heap[right] = kept;
  }
}
