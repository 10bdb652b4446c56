/** A small write that a quorum acknowledged: the proof that nobody else leads. */
import { NinesError } from '../../../errors/errors.ts';
import type { Pulse } from '../control.ts';
import type { Member } from '../member.ts';
import { ServerLine } from './server-line.ts';
import { flushedHere } from './walsenders.ts';

const CONNECT_MS = 1_000;
/** A cancelled wait for the quorum: the commit is reported as done, with this warning. Nobody knows whether it is. */
const DOUBT = /^cancel+ing.* wait for synchronous replication/;

/**
 * At most one write waits in the server at a time. One that is late goes on waiting there until the quorum comes: its answer
 * proves nothing of the time in which it is read, but until it is there no other is sent.
 */
export class PulseLine {
  readonly #line: ServerLine;
  #late: Promise<unknown> | null = null;
  #doubted = false;

  constructor(member: Member) {
    this.#line = new ServerLine(member, CONNECT_MS, { queryTimeoutMs: 0, synchronousCommit: 'on' }, (connection) =>
      connection.onNotice(({ message }) => {
        if (DOUBT.test(message ?? '')) this.#doubted = true;
      }),
    );
  }

  /** @throws NinesError E_UNREACHABLE when no quorum acknowledged it by the deadline, or nobody knows. */
  async beat(deadlineMs: number): Promise<Pulse> {
    const end = AbortSignal.timeout(deadlineMs);
    await before(end, this.#late ?? Promise.resolve());
    const startedAt = performance.now();
    const writing = this.#write();
    this.#late = writing.then(
      () => void (this.#late = null),
      () => void (this.#late = null),
    );
    const lsn = await before(end, writing);
    return { lsn, tookMs: performance.now() - startedAt };
  }

  close(): void {
    this.#line.close();
  }

  async #write(): Promise<number> {
    const connection = this.#line.connection();
    try {
      this.#doubted = false;
      await connection.query("select pg_logical_emit_message(true, 'nines', 'pulse')");
      if (this.#doubted)
        throw new NinesError('E_UNREACHABLE', 'somebody cancelled the wait for the quorum: nobody knows whether it has it');
      return await flushedHere(connection);
    } catch (error) {
      this.#line.drop(connection);
      throw error;
    }
  }
}

async function before<Result>(end: AbortSignal, what: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const fail = () => late.reject(new NinesError('E_UNREACHABLE', 'no quorum acknowledged a write in time'));
  if (end.aborted) fail();
  end.addEventListener('abort', fail, { once: true });
  try {
    return await Promise.race([what, late.promise]);
  } finally {
    end.removeEventListener('abort', fail);
    late.promise.catch(() => undefined);
  }
}
