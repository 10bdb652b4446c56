/** One request on one connection, and its whole answer. */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Question {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: Uint8Array | null;
}

export interface ConnectionOptions {
  /** PEM of the authority that is trusted, instead of the system's. */
  ca: string | undefined;
  /** Connections kept for each origin. */
  connections: number;
  /** Of an answer. */
  maxBytes: number;
}

/** What has no body, whatever its headers say; `Response` refuses one. */
const WITHOUT_BODY = new Set([204, 205, 304]);

/** Connections that are kept, and new ones on demand. */
export class Connections {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    const kept = { keepAlive: true, maxSockets: options.connections, maxFreeSockets: options.connections };
    this.#options = options;
    this.#http = new HttpAgent(kept);
    this.#https = new HttpsAgent({ ...kept, ...this.#trust() });
  }

  /**
   * Rejects when the answer is not whole, and when `signal` is aborted, with its reason. @param isFresh on a connection of its own: a
   * kept one may lead to whom the last one died with.
   */
  async ask({ url, method, headers, body }: Question, { isFresh, signal }: { isFresh: boolean; signal: AbortSignal }): Promise<Response> {
    const isSecure = url.protocol === 'https:';
    const options: RequestOptions = {
      ...{ method, headers, signal },
      ...(isFresh ? { agent: false, ...(isSecure ? this.#trust() : {}) } : { agent: isSecure ? this.#https : this.#http }),
    };
    const request = (isSecure ? httpsRequest : httpRequest)(url, options);
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request.once('response', resolve);
        // For good: what comes after the answer began, too.
        request.on('error', reject);
        request.end(body ?? undefined);
      });
      const content = await this.#read(response);
      const status = response.statusCode ?? 0;
      return new Response(WITHOUT_BODY.has(status) ? null : content, {
        status,
        statusText: response.statusMessage ?? '',
        headers: headersOf(response),
      });
    } catch (error) {
      request.destroy();
      throw signal.aborted ? signal.reason : error;
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #trust(): { ca?: string } {
    return this.#options.ca === undefined ? {} : { ca: this.#options.ca };
  }

  async #read(response: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
    const { maxBytes } = this.#options;
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Rejects when the connection ends before the answer does.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw Object.assign(new Error(`the answer is larger than ${maxBytes} bytes`), { code: 'E_ANSWER_TOO_LARGE' });
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks));
  }
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return headers;
}
