import { type Member, RefusedError } from './gateway.ts';
import type { MemberList } from './member-list.ts';

/** How one try at one member is made; `reached` is called when the request may have arrived there. */
export type Attempt<T> = (member: Member, signal: AbortSignal, reached: () => void) => Promise<T>;

export interface HedgedAnswer<T> {
  value: T;
  member: Member;
  /** Another member may have received the same request: a write may be done, or still come, twice. */
  contended: boolean;
}

/** No attempt was answered in time, or one was refused. */
export class HedgeError extends Error {
  override readonly name = 'HedgeError';
  /** A member that gave no definite answer may have received the request. */
  readonly reached: boolean;
  readonly refusal: RefusedError | null;

  constructor(reasons: string[], reached: boolean, refusal: RefusedError | null) {
    super(reasons.join('; '), refusal === null ? undefined : { cause: refusal });
    this.reached = reached;
    this.refusal = refusal;
  }
}

export interface HedgeOptions {
  members: MemberList;
  /** The next member is asked too when there is no answer after this time. */
  hedgeAfterMs: number;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Asks the best member, then also the next after `hedgeAfterMs` or a failure; the first answer or refusal counts. */
export async function hedged<T>(options: HedgeOptions, attempt: Attempt<T>): Promise<HedgedAnswer<T>> {
  const { members, hedgeAfterMs, timeoutMs, signal } = options;
  const order = members.order(performance.now());
  const running = new Set<Member>();
  /** Silent since the next one was asked. They may be frozen, and would cost every call the time of a hedge. */
  const overdue = new Set<Member>();
  const reached = new Set<Member>();
  const reasons: string[] = [];
  const controller = new AbortController();
  let next: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  try {
    return await new Promise<HedgedAnswer<T>>((resolve, reject) => {
      const fail = (reason: string, refusal: RefusedError | null = null) => reject(new HedgeError([...reasons, reason], reached.size > 0, refusal));
      const lost = (member: Member, error: unknown) => {
        if (controller.signal.aborted) return;
        running.delete(member);
        if (error instanceof RefusedError) {
          members.answered(member);
          reached.delete(member);
          return fail(error.message, error);
        }
        members.failed(member, performance.now());
        reasons.push(error instanceof Error ? error.message : String(error));
        if (order.length > 0) startNext();
        else if (running.size === 0) fail('no other member is left');
      };
      const won = (member: Member, value: T) => {
        if (controller.signal.aborted) return;
        running.delete(member);
        reached.delete(member);
        members.answered(member);
        resolve({ value, member, contended: reached.size > 0 });
      };
      const startNext = () => {
        clearTimeout(next);
        const member = order.shift();
        if (member === undefined) return;
        if (order.length > 0) next = setTimeout(hedge, hedgeAfterMs);
        running.add(member);
        attempt(member, controller.signal, () => reached.add(member)).then((value) => won(member, value), (error: unknown) => lost(member, error));
      };
      const hedge = () => {
        for (const member of running) overdue.add(member);
        startNext();
      };
      const late = () => {
        for (const member of running) overdue.add(member);
        fail(`no answer within ${Math.round(timeoutMs)} ms`);
      };
      stop = () => fail('the caller stopped it');
      deadline = setTimeout(late, timeoutMs);
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted === true) return stop();
      startNext();
    });
  } finally {
    clearTimeout(next);
    clearTimeout(deadline);
    if (stop !== undefined) signal?.removeEventListener('abort', stop);
    controller.abort();
    for (const member of overdue) if (running.has(member)) members.failed(member, performance.now());
  }
}
