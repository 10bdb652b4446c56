/** Asks an instance over one kept connection. */
import { Agent, type ClientRequest, get, type IncomingMessage } from 'node:http';

export interface ProbeAnswer {
  status: number;
  /** The first bytes of the body. */
  body: string;
}

/** Enough for a line of status; a page of HTML is not kept. */
const MAX_BODY_BYTES = 2_048;

export class ServiceProbe {
  /** Whether this life of the process has passed its start-up check. */
  started = false;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 3 });
  readonly #address: string;
  readonly #port: number;

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
  }

  /** Rejects when there is no whole answer before the signal. */
  async ask(path: string, signal: AbortSignal): Promise<ProbeAnswer> {
    const first = await this.#once(path, signal);
    if (!(first instanceof Error)) return first;
    // A process that was replaced leaves its dead connection behind; that says nothing about the new one.
    if ((first as { reused?: boolean }).reused !== true || signal.aborted) throw first;
    const second = await this.#once(path, signal);
    if (second instanceof Error) throw second;
    return second;
  }

  close(): void {
    this.#agent.destroy();
  }

  #once(path: string, signal: AbortSignal): Promise<ProbeAnswer | Error> {
    return new Promise((resolve) => {
      const request: ClientRequest = get(
        { host: this.#address, port: this.#port, path, agent: this.#agent, signal, headers: { 'user-agent': 'nines-agent' } },
        (response) => collect(response, resolve),
      );
      request.once('error', (error) => resolve(Object.assign(error, { reused: request.reusedSocket })));
    });
  }
}

function collect(response: IncomingMessage, resolve: (answer: ProbeAnswer | Error) => void): void {
  let body = '';
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    if (body.length < MAX_BODY_BYTES) body += text;
  });
  response.once('error', resolve);
  response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
}
