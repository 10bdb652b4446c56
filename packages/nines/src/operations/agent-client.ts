/** Asks the agents of a cluster, over mutual TLS, each within its own deadline. */
import { Agent as TlsAgent, request } from 'node:https';
import { AGENT_PORT } from '../topology/ports.ts';
import type { CommandAnswer, FailoverAction } from '../agent/failover/groups.ts';
import type { HostState } from '../agent/host-state.ts';
import { NinesError } from '../errors/errors.ts';
import type { GroupView } from '../failover/group-view.ts';

export interface OperatorTls {
  ca: string;
  cert: string;
  key: string;
}

/** What one host said, or why it said nothing. */
export type HostAnswer = { host: string; state: HostState; error: null } | { host: string; state: null; error: string };

interface Answer {
  status: number;
  body: string;
}

/** An agent takes an order at once and carries it out afterwards; what it asks of etcd has a deadline of its own. */
const ORDER_TIMEOUT_MS = 5_000;

export class AgentClient {
  readonly #connections: TlsAgent;
  readonly #timeoutMs: number;

  constructor(tls: OperatorTls, timeoutMs = 1_500) {
    this.#connections = new TlsAgent({ ...tls, keepAlive: true, maxSockets: 4, minVersion: 'TLSv1.3' });
    this.#timeoutMs = timeoutMs;
  }

  /** Never rejects for a host that does not answer: that is its answer. */
  async states(addresses: Record<string, string>, signal: AbortSignal): Promise<HostAnswer[]> {
    return Promise.all(
      Object.entries(addresses).map(async ([host, address]): Promise<HostAnswer> => {
        try {
          return { host, state: JSON.parse(await this.#get(address, '/v1/state', signal)) as HostState, error: null };
        } catch (error) {
          return { host, state: null, error: messageOf(error) };
        }
      }),
    );
  }

  /** Last lines of a unit's log; throws E_UNREACHABLE when its agent does not answer or has no such unit. */
  async log(address: string, unit: string, lines: number, signal: AbortSignal): Promise<string> {
    try {
      return await this.#get(address, `/v1/logs/${unit}?lines=${lines}`, signal);
    } catch (cause) {
      throw new NinesError('E_UNREACHABLE', `the log of ${unit} at ${address} could not be read: ${String(cause)}`, { cause });
    }
  }

  /** Never rejects; null also for an agent that is not that far yet. */
  async view(address: string, group: string, signal: AbortSignal): Promise<GroupView | null> {
    try {
      return JSON.parse(await this.#get(address, `/v1/postgres/${group}/view`, signal)) as GroupView;
    } catch {
      return null;
    }
  }

  /**
   * Whether the agent takes the order; what becomes of it is in the views.
   * @throws NinesError E_ORDER_UNKNOWN without an answer, E_ORDER_REFUSED when this agent takes none
   */
  async order(address: string, group: string, action: FailoverAction, body: object, signal: AbortSignal): Promise<CommandAnswer> {
    const what = `${action} of group '${group}'`;
    let answered: Answer;
    try {
      answered = await this.#ask(address, `/v1/postgres/${group}/${action}`, signal, body);
    } catch (cause) {
      throw new NinesError('E_ORDER_UNKNOWN', `the agent at ${address} did not answer to the ${what}: ${messageOf(cause)}`, { cause });
    }
    const { status, body: text } = answered;
    if (status === 200 || status === 409) return JSON.parse(text) as CommandAnswer;
    throw new NinesError('E_ORDER_REFUSED', `the agent at ${address} answered ${status} to the ${what}: ${text.slice(0, 200)}`);
  }

  /** NDJSON, the oldest first. Rejects when its agent does not answer. */
  decisions(address: string, group: string, sinceMs: number, signal: AbortSignal): Promise<string> {
    return this.#get(address, `/v1/postgres/${group}/decisions?since=${sinceMs}`, signal);
  }

  close(): void {
    this.#connections.destroy();
  }

  async #get(address: string, path: string, signal: AbortSignal): Promise<string> {
    const { status, body } = await this.#ask(address, path, signal);
    if (status !== 200) throw new Error(`the agent answered ${status}: ${body.slice(0, 200)}`);
    return body;
  }

  /** POST of the content, as JSON, when there is one. */
  async #ask(address: string, path: string, signal: AbortSignal, content?: object): Promise<Answer> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(content === undefined ? this.#timeoutMs : ORDER_TIMEOUT_MS)]);
    const method = content === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' } };
    return new Promise((resolve, reject) => {
      const options = { host: address, port: AGENT_PORT, path, agent: this.#connections, signal: deadline, ...method };
      const asked = request(options, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.once('error', reject);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      asked.once('error', (error) => reject(deadline.aborted ? new Error('no answer in time') : error));
      asked.end(content === undefined ? undefined : JSON.stringify(content));
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
