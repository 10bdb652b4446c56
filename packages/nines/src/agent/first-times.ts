/**
 * What may happen once in the life of a cluster: making the first data of a group. A host that lost its disk cannot know
 * that there was data; etcd can. Kept for ever: such a key is never deleted.
 */
import type { FirstTime } from '../engines/engine.ts';
import { clusterKeys, type FirstTimeRecord, getJson, swapJson } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

export class FirstTimes implements FirstTime {
  readonly #store: Store;
  readonly #cluster: string;
  readonly #host: string;

  constructor(options: { store: Store; cluster: string; host: string }) {
    this.#store = options.store;
    this.#cluster = options.cluster;
    this.#host = options.host;
  }

  async mayBegin(what: string, signal: AbortSignal): Promise<boolean> {
    const key = clusterKeys(this.#cluster).firstTime(what);
    const known = await getJson(this.#store, key, { signal });
    if (known === null) {
      const begun: FirstTimeRecord = { state: 'begun', host: this.#host };
      return (await swapJson(this.#store, key, 0, begun, { signal })).ok;
    }
    // Begun here and never finished: the try that was interrupted goes on.
    return known.value.state === 'begun' && known.value.host === this.#host;
  }

  async done(what: string, signal: AbortSignal): Promise<void> {
    const key = clusterKeys(this.#cluster).firstTime(what);
    const known = await getJson(this.#store, key, { signal });
    if (known?.value.state === 'done') return;
    await swapJson(this.#store, key, known?.modRevision ?? 0, { state: 'done', host: this.#host }, { signal });
  }
}
