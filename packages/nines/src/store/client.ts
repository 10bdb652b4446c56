import { Agent } from 'node:https';
import { callGateway, type Member } from './gateway.ts';
import { hedged, type HedgedAnswer, HedgeError } from './hedge.ts';
import { MemberList } from './member-list.ts';
import { StoreLeaseLostError, StoreRefusedError, StoreUnavailableError, StoreUnknownError } from './store-errors.ts';

/** PEM text of this host's client certificate. */
export interface StoreTls {
  ca: string;
  cert: string;
  key: string;
}

export interface CallOptions {
  /** Ends the call early; the store's own deadline holds besides. */
  signal?: AbortSignal;
  /** Instead of the store's own. */
  timeoutMs?: number;
}

export interface ClientOptions {
  endpoints: readonly string[];
  tls: StoreTls;
  timeoutMs: number;
  hedgeAfterMs: number;
}

/** Connections of their own, so that a keepalive never waits behind a slow read, nor either behind a watch. */
export type Lane = 'call' | 'lease' | 'watch';

const NOT_FOUND = 5;

/** The members of one cluster and the connections to them: what every call of the store stands on. */
export class Client {
  readonly members: MemberList;
  readonly #agents: Record<Lane, Agent>;
  readonly #timeoutMs: number;
  readonly #hedgeAfterMs: number;

  constructor(options: ClientOptions) {
    this.members = new MemberList(options.endpoints);
    const agent = () => new Agent({ ...options.tls, keepAlive: true, minVersion: 'TLSv1.2', maxFreeSockets: 4 });
    this.#agents = { call: agent(), lease: agent(), watch: agent() };
    this.#timeoutMs = options.timeoutMs;
    this.#hedgeAfterMs = options.hedgeAfterMs;
  }

  agent(lane: Lane): Agent {
    return this.#agents[lane];
  }

  /**
   * A call that may be made at two members at once: a read, or a write that does no harm when it is done twice.
   * Rejects with one of the store's errors.
   */
  async ask(
    path: string,
    body: unknown,
    kind: 'read' | 'write',
    options: CallOptions = {},
    lane: Lane = 'call',
  ): Promise<HedgedAnswer<unknown>> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const limits = { members: this.members, hedgeAfterMs: this.#hedgeAfterMs, timeoutMs, signal: options.signal };
    try {
      return await hedged(limits, (member, signal, onReached) =>
        callGateway({ member, agent: this.#agents[lane], path, body, signal, onReached }),
      );
    } catch (error) {
      throw error instanceof HedgeError ? storeError(error, path, kind) : error;
    }
  }

  /** The same options for several calls in a row: what is left of one deadline. */
  within(options: CallOptions = {}): CallOptions {
    const endMs = performance.now() + (options.timeoutMs ?? this.#timeoutMs);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    return {
      ...signal,
      get timeoutMs() {
        return Math.max(0, endMs - performance.now());
      },
    };
  }

  /** A call at one member, unhedged; the member's own errors. */
  async askOne(member: Member, path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    return await callGateway({ member, agent: this.#agents.call, path, body, signal });
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }
}

function storeError(error: HedgeError, path: string, kind: 'read' | 'write'): Error {
  const what = `etcd ${path}: ${error.message}`;
  if (kind === 'write' && error.reached) return new StoreUnknownError(what, error);
  if (error.refusal === null) return new StoreUnavailableError(what, error);
  const { grpcCode, message } = error.refusal;
  if (grpcCode === NOT_FOUND && message.includes('lease')) return new StoreLeaseLostError(what, error);
  return new StoreRefusedError(what, grpcCode, error);
}
