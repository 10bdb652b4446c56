/** Reads the agent's stream over its unix socket, for ever: reconnects with back-off, and takes silence for death. */
import { type ClientRequest, request } from 'node:http';
import { parsePlace, type PostgresPlace } from './place.ts';

/** The agent writes at least every 5 s. */
const SILENCE_MS = 12_000;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 1_000;
/** A line is some hundred bytes; more without an end is no agent. */
const LONGEST_LINE = 64 * 1024;

export interface AgentStreamOptions {
  socketPath: string;
  group: string;
  onPlace(place: PostgresPlace): void;
  /** It cannot be reached, or ended: once for each attempt. */
  onAway(error: Error): void;
}

export class AgentStream {
  readonly #options: AgentStreamOptions;
  #request: ClientRequest | null = null;
  #timer: NodeJS.Timeout | null = null;
  #backoffMs = FIRST_BACKOFF_MS;
  #closed = false;

  constructor(options: AgentStreamOptions) {
    this.#options = options;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#request?.destroy();
  }

  #open(): void {
    this.#timer = null;
    const { socketPath, group } = this.#options;
    const path = `/v1/postgres/${encodeURIComponent(group)}/stream`;
    const asked = request({ socketPath, path, agent: false, timeout: SILENCE_MS });
    this.#request = asked;
    let ended = false;
    const away = (error: Error): void => {
      if (ended) return;
      ended = true;
      asked.destroy();
      if (this.#closed) return;
      // Full jitter upwards from half: all services of a host lose their agent at the same moment.
      this.#timer = setTimeout(() => this.#open(), this.#backoffMs * (0.5 + Math.random() / 2));
      this.#backoffMs = Math.min(this.#backoffMs * 2, LONGEST_BACKOFF_MS);
      this.#options.onAway(error);
    };
    asked.on('timeout', () => away(new Error(`the agent was silent for ${SILENCE_MS} ms`)));
    asked.on('error', away);
    asked.on('close', () => away(new Error('the agent closed the stream')));
    asked.on('response', (response) => {
      if (response.statusCode !== 200) return away(new Error(`the agent answers ${response.statusCode} for the group '${group}'`));
      let rest = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = `${rest}${chunk}`.split('\n');
        rest = lines.pop() ?? '';
        try {
          if (rest.length > LONGEST_LINE) throw new Error('the agent wrote a line without an end');
          for (const line of lines) if (line !== '') this.#options.onPlace(parsePlace(line));
          this.#backoffMs = FIRST_BACKOFF_MS;
        } catch (error) {
          away(error as Error);
        }
      });
      response.on('error', away);
    });
    asked.end();
  }
}
