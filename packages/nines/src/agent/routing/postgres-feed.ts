/** Where a PostgreSQL group is, for the services of the host: once, and as a stream of lines that says every change at once. */
import type { ServerResponse } from 'node:http';
import type { GroupView } from '../../failover/group-view.ts';
import type { Failover } from '../failover/groups.ts';

/** So that a reader tells silence from death. */
const LIFE_SIGN_MS = 5_000;
/** Lag changes with every heartbeat; who only routes by it need not be woken as often. */
const LAG_EVERY_MS = 1_000;
const MAX_STREAMS = 100;
/** A reader that does not read: it would be told of an old leader for as long as its lines wait. */
const UNREAD_LIMIT_BYTES = 64 * 1024;

/** One line of the stream. */
export interface PostgresPlace {
  /** Host of the leader that admits clients; null while nobody is known to. */
  leader: string | null;
  address: string | null;
  port: number | null;
  term: number;
  phase: GroupView['phase'];
  /** The least behind first; `lagBytes` null: not known. */
  replicas: { address: string; port: number; lagBytes: number | null }[];
}

export function placeOf({ leader, term, phase, replicas }: GroupView): PostgresPlace {
  return {
    leader: leader?.host ?? null,
    address: leader?.address ?? null,
    port: leader?.port ?? null,
    term: leader?.term ?? term,
    phase,
    replicas: replicas.map(({ address, port, lagBytes }) => ({ address, port, lagBytes })),
  };
}

interface Reader {
  group: string;
  response: ServerResponse;
  /** What it was told last, and the same without lag. */
  told: string;
  toldRoles: string;
  toldAtMs: number;
}

export class PostgresFeed {
  readonly #failover: Pick<Failover, 'view' | 'onView'>;
  readonly #readers = new Set<Reader>();
  readonly #stop: () => void;
  readonly #timer: NodeJS.Timeout;

  constructor(failover: Pick<Failover, 'view' | 'onView'>) {
    this.#failover = failover;
    this.#stop = failover.onView((view) => {
      for (const reader of this.#readers) if (reader.group === view.group) tell(reader, view, false);
    });
    this.#timer = setInterval(() => this.#refresh(), LAG_EVERY_MS);
  }

  /** Null for an unknown group. */
  once(group: string): PostgresPlace | null {
    const view = this.#failover.view(group);
    return view === null ? null : placeOf(view);
  }

  /** Keeps the response open. False, and nothing is written: an unknown group (404) or too many readers (503). */
  open(group: string, response: ServerResponse): true | 404 | 503 {
    const view = this.#failover.view(group);
    if (view === null) return 404;
    if (this.#readers.size >= MAX_STREAMS) return 503;
    const reader: Reader = { group, response, told: '', toldRoles: '', toldAtMs: performance.now() };
    this.#readers.add(reader);
    response.on('close', () => this.#readers.delete(reader));
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    tell(reader, view, true);
    return true;
  }

  close(): void {
    this.#stop();
    clearInterval(this.#timer);
    for (const { response } of this.#readers) response.end();
  }

  #refresh(): void {
    for (const reader of this.#readers) {
      const view = this.#failover.view(reader.group);
      if (view === null) reader.response.end();
      else tell(reader, view, true);
      if (performance.now() - reader.toldAtMs >= LIFE_SIGN_MS) write(reader, '\n');
    }
  }
}

function tell(reader: Reader, view: GroupView, lagToo: boolean): void {
  const place = placeOf(view);
  const text = JSON.stringify(place);
  const roles = JSON.stringify({ ...place, replicas: place.replicas.map(({ address }) => address).toSorted() });
  if (text === reader.told || (roles === reader.toldRoles && !lagToo)) return;
  reader.told = text;
  reader.toldRoles = roles;
  write(reader, `${text}\n`);
}

function write(reader: Reader, line: string): void {
  reader.toldAtMs = performance.now();
  reader.response.write(line);
  if (reader.response.writableLength > UNREAD_LIMIT_BYTES) reader.response.destroy();
}
