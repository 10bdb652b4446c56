/** RESP2, the protocol of Redis: commands out, replies in. Pure. */

export type Reply = string | number | null | Reply[] | RedisError;

/** What the server answered with `-`; the connection is sound. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
}

export function encodeCommand(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`);
}

/** Thrown for bytes that are no RESP2: nothing after them can be understood. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

interface Parsed {
  reply: Reply;
  end: number;
}

/** The agent asks for a few lines; what is larger than this is not an answer to it. */
const MAX_BYTES = 4 * 1024 * 1024;
const CARRIAGE_RETURN = 0x0d;

/** Collects bytes as they come, in pieces of any size, and gives the replies that are complete. */
export class ReplyReader {
  #buffer: Buffer = Buffer.alloc(0);

  /** @throws ProtocolError */
  push(chunk: Uint8Array): Reply[] {
    this.#buffer = this.#buffer.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#buffer, chunk]);
    const replies: Reply[] = [];
    let start = 0;
    for (let parsed = parseReply(this.#buffer, start); parsed !== null; parsed = parseReply(this.#buffer, start)) {
      replies.push(parsed.reply);
      start = parsed.end;
    }
    this.#buffer = this.#buffer.subarray(start);
    if (this.#buffer.length > MAX_BYTES) throw new ProtocolError(`a reply of more than ${MAX_BYTES} bytes`);
    return replies;
  }
}

/** Null: not complete yet. */
function parseReply(buffer: Buffer, start: number): Parsed | null {
  const lineEnd = buffer.indexOf(CARRIAGE_RETURN, start);
  if (lineEnd === -1 || lineEnd + 2 > buffer.length) return null;
  const line = buffer.toString('utf8', start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (buffer[start]) {
    case 0x2b: // +
      return { reply: line, end };
    case 0x2d: // -
      return { reply: new RedisError(line), end };
    case 0x3a: // :
      return { reply: integer(line), end };
    case 0x24: // $
      return parseText(buffer, integer(line), end);
    case 0x2a: // *
      return parseList(buffer, integer(line), end);
    default:
      throw new ProtocolError('not RESP2');
  }
}

function parseText(buffer: Buffer, length: number, start: number): Parsed | null {
  if (length === -1) return { reply: null, end: start };
  const end = start + length + 2;
  if (buffer.length < end) return null;
  return { reply: buffer.toString('utf8', start, start + length), end };
}

function parseList(buffer: Buffer, count: number, start: number): Parsed | null {
  if (count === -1) return { reply: null, end: start };
  const replies: Reply[] = [];
  let end = start;
  for (let index = 0; index < count; index += 1) {
    const parsed = parseReply(buffer, end);
    if (parsed === null) return null;
    replies.push(parsed.reply);
    end = parsed.end;
  }
  return { reply: replies, end };
}

function integer(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) throw new ProtocolError('not a number');
  return value;
}

/** A reply that is a list of names and values in turn, as SENTINEL MASTER gives. */
export function namedValues(reply: Reply): Record<string, string> {
  if (!Array.isArray(reply)) return {};
  const values: Record<string, string> = {};
  for (let index = 0; index + 1 < reply.length; index += 2) values[String(reply[index])] = String(reply[index + 1]);
  return values;
}

/** The `name:value` lines of INFO. */
export function infoValues(reply: Reply): Record<string, string> {
  if (typeof reply !== 'string') return {};
  const values: Record<string, string> = {};
  for (const line of reply.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) values[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return values;
}
