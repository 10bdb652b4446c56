/**
 * Reads one HTTP/1.1 answer from pieces of any size. Own code because the client must know exactly what was sent and
 * what came back on which connection, at a third of the CPU that a general client costs (docs/internals/proof.md).
 * It reads what a gateway and a REST service send: content-length, chunked, until-close, and interim 1xx answers.
 */
export interface HttpAnswer {
  status: number;
  /** Names in lower case; of repeated headers every value, joined by newlines (set-cookie must not be joined by commas). */
  headers: Map<string, string>;
  body: Buffer;
  /** The server keeps the connection open for another request. */
  keepAlive: boolean;
}

interface AnswerHead {
  status: number;
  headers: Map<string, string>;
  keepAlive: boolean;
  body: BodyKind;
}

type BodyKind = { kind: 'length'; bytes: number } | { kind: 'chunked' } | { kind: 'until-close' };

/** No answer of an API needs more; a wall against a server that never stops talking. */
const LARGEST_ANSWER_BYTES = 16 * 1024 * 1024;
const NOTHING = Buffer.alloc(0);
const END_OF_HEAD = Buffer.from('\r\n\r\n');

export class ResponseReader {
  #pending: Buffer = NOTHING;
  #head: AnswerHead | null = null;

  /** Returns the answer when it is complete, else null. Throws on what is not HTTP; the connection is then useless. */
  push(piece: Buffer): HttpAnswer | null {
    this.#pending = this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece]);
    if (this.#pending.length > LARGEST_ANSWER_BYTES) throw new Error('the answer is larger than 16 MiB');
    while (this.#head === null) {
      const end = this.#pending.indexOf(END_OF_HEAD);
      if (end < 0) return null;
      const head = parseHead(this.#pending.subarray(0, end).toString('latin1'));
      this.#pending = this.#pending.subarray(end + END_OF_HEAD.length);
      if (head.status >= 200) this.#head = head;
    }
    const { body } = this.#head;
    if (body.kind === 'until-close') return null;
    if (body.kind === 'chunked') {
      const chunks = readChunks(this.#pending);
      return chunks === null ? null : this.#answer(chunks.body, this.#pending.length - chunks.bytes);
    }
    if (this.#pending.length < body.bytes) return null;
    return this.#answer(this.#pending.subarray(0, body.bytes), this.#pending.length - body.bytes);
  }

  /** The server closed its side: an answer when its body lasts until then, else null (it was cut short). */
  end(): HttpAnswer | null {
    if (this.#head?.body.kind !== 'until-close') return null;
    return this.#answer(this.#pending, 0);
  }

  #answer(body: Buffer, surplusBytes: number): HttpAnswer {
    if (surplusBytes > 0) throw new Error('the server sent more than its answer');
    const { status, headers, keepAlive } = this.#head as AnswerHead;
    this.#head = null;
    this.#pending = NOTHING;
    return { status, headers, body, keepAlive };
  }
}

function parseHead(text: string): AnswerHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const match = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/.exec(statusLine);
  if (match === null) throw new Error(`not an HTTP answer: ${JSON.stringify(statusLine.slice(0, 60))}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw new Error(`not a header: ${JSON.stringify(line.slice(0, 60))}`);
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const known = headers.get(name);
    headers.set(name, known === undefined ? value : `${known}\n${value}`);
  }
  const status = Number(match[2]);
  const body = bodyKind(status, headers);
  const connection = (headers.get('connection') ?? '').toLowerCase();
  const asked = match[1] === '1' ? connection !== 'close' : connection === 'keep-alive';
  return { status, headers, keepAlive: asked && body.kind !== 'until-close', body };
}

function bodyKind(status: number, headers: Map<string, string>): BodyKind {
  if (status < 200 || status === 204 || status === 304) return { kind: 'length', bytes: 0 };
  if ((headers.get('transfer-encoding') ?? '').toLowerCase() === 'chunked') return { kind: 'chunked' };
  const length = headers.get('content-length');
  if (length === undefined) return { kind: 'until-close' };
  if (!/^\d{1,9}$/.test(length)) throw new Error(`not a content-length: ${JSON.stringify(length.slice(0, 60))}`);
  return { kind: 'length', bytes: Number(length) };
}

/** The joined chunks and how many bytes they took, or null when the last one is not there yet. */
function readChunks(buffer: Buffer): { body: Buffer; bytes: number } | null {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = buffer.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = buffer.subarray(at, lineEnd).toString('latin1').split(';')[0]?.trim() ?? '';
    if (!/^[0-9a-f]{1,7}$/i.test(size)) throw new Error(`not a chunk size: ${JSON.stringify(size.slice(0, 20))}`);
    const start = lineEnd + 2;
    const bytes = Number.parseInt(size, 16);
    if (bytes === 0) {
      // Trailers are skipped: the body ends at the first empty line.
      const last = buffer.indexOf('\r\n', start) === start ? start + 2 : buffer.indexOf(END_OF_HEAD, start) + 4;
      return last < start + 2 || last > buffer.length ? null : { body: Buffer.concat(pieces), bytes: last };
    }
    if (buffer.length < start + bytes + 2) return null;
    pieces.push(buffer.subarray(start, start + bytes));
    at = start + bytes + 2;
  }
}
