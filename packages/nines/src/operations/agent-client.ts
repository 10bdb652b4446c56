/** Asks the agents of a cluster, over mutual TLS, each within its own deadline. */
import { Agent as TlsAgent, request } from 'node:https';
import { AGENT_PORT } from '../topology/ports.ts';
import type { HostState } from '../agent/host-state.ts';
import { NinesError } from '../errors/errors.ts';

export interface OperatorTls {
  ca: string;
  cert: string;
  key: string;
}

/** What one host said, or why it said nothing. */
export type HostAnswer = { host: string; state: HostState; error: null } | { host: string; state: null; error: string };

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
          return { host, state: null, error: error instanceof Error ? error.message : String(error) };
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

  close(): void {
    this.#connections.destroy();
  }

  async #get(address: string, path: string, signal: AbortSignal): Promise<string> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]);
    return new Promise((resolve, reject) => {
      const asked = request({ host: address, port: AGENT_PORT, path, agent: this.#connections, signal: deadline }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve(body);
          else reject(new Error(`the agent answered ${response.statusCode}: ${body.slice(0, 200)}`));
        });
      });
      asked.once('error', (error) => reject(deadline.aborted ? new Error('no answer in time') : error));
      asked.end();
    });
  }
}
