/** Equal parts of worlds are kept once, so that a world is a handful of small numbers. Exact: nothing is hashed away. */
import type { RecordView } from '../src/failover/record.ts';
import type { NodeState } from '../src/failover/state.ts';
import type { Host, World } from './world.ts';

class Pool<Part extends object> {
  readonly #parts: Part[] = [];
  readonly #byKey = new Map<string, number>();
  /** Of the kept parts themselves; equal ones made anew are found by their key. */
  readonly #byIdentity = new Map<Part, number>();
  readonly #key: (part: Part) => string;

  constructor(key: (part: Part) => string) {
    this.#key = key;
  }

  idOf(part: Part): number {
    const known = this.#byIdentity.get(part);
    if (known !== undefined) return known;
    const key = this.#key(part);
    let id = this.#byKey.get(key);
    if (id === undefined) {
      id = this.#parts.push(part) - 1;
      this.#byKey.set(key, id);
      this.#byIdentity.set(part, id);
    }
    return id;
  }

  at(id: number | undefined): Part {
    return this.#parts[id as number] as Part;
  }

  kept(part: Part): Part {
    return this.at(this.idOf(part));
  }
}

function jsonPool<Part extends object>(): Pool<Part> {
  return new Pool((part) => JSON.stringify(part));
}

/** A world is as many numbers as it has hosts, and these. */
const SHARED = 6;

export class WorldPool {
  readonly width: number;
  readonly #nodes: number;
  readonly #views = jsonPool<RecordView>();
  readonly #cores = new Pool<NodeState>(({ view, ...core }) => `${view === null ? -1 : this.#views.idOf(view)}${JSON.stringify(core)}`);
  readonly #servers = jsonPool<Host['server']>();
  readonly #disks = jsonPool<Host['disk']>();
  readonly #pending = jsonPool<Pick<Host, 'job' | 'ghost' | 'swap' | 'orphan'>>();
  readonly #hosts = new Pool<Host>((host) => this.#hostKey(host));
  readonly #mails = jsonPool<World['mail']>();
  readonly #budgets = jsonPool<World['budget']>();
  readonly #trees = jsonPool<World['tree']>();
  readonly #acked = jsonPool<World['acked']>();
  readonly #broken: (string | null)[] = [null];

  constructor(nodes: number) {
    this.#nodes = nodes;
    this.width = nodes + SHARED;
  }

  /** The one that stands for all that are equal to it. */
  keptHost(host: Host): Host {
    return this.#hosts.kept(host);
  }

  encode(world: World, into: Int32Array): void {
    const { etcd, mail, budget, tree, acked, broken } = world;
    if (!this.#broken.includes(broken)) this.#broken.push(broken);
    for (let at = 0; at < this.#nodes; at++) into[at] = this.#hosts.idOf(world.hosts[at] as Host);
    const shared = [this.#views.idOf(etcd), this.#mails.idOf(mail), this.#budgets.idOf(budget), this.#trees.idOf(tree)];
    into.set([...shared, this.#acked.idOf(acked), this.#broken.indexOf(broken)], this.#nodes);
  }

  decode(ids: Int32Array, from: number): World {
    const shared = from + this.#nodes;
    return {
      hosts: Array.from({ length: this.#nodes }, (_, at) => this.#hosts.at(ids[from + at])),
      etcd: this.#views.at(ids[shared]),
      mail: this.#mails.at(ids[shared + 1]),
      budget: this.#budgets.at(ids[shared + 2]),
      tree: this.#trees.at(ids[shared + 3]),
      acked: this.#acked.at(ids[shared + 4]),
      broken: this.#broken[ids[shared + 5] as number] as string | null,
    };
  }

  #hostKey(host: Host): string {
    const { core, server, disk, job, ghost, swap, orphan } = host;
    const isIdle = job === null && ghost === null && swap === null && orphan === null;
    const pending = isIdle ? -1 : this.#pending.idOf({ job, ghost, swap, orphan });
    // The parts that are kept become the host's own: equal parts are then found without being read.
    host.core = this.#cores.kept(core);
    host.server = this.#servers.kept(server);
    host.disk = this.#disks.kept(disk);
    return `${this.#cores.idOf(host.core)},${this.#servers.idOf(host.server)},${this.#disks.idOf(host.disk)},${pending}`;
  }
}
