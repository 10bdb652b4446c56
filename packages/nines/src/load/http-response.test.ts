import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HttpAnswer, ResponseReader } from './http-response.ts';

function readIn(pieces: Buffer[], close = false): HttpAnswer | null {
  const reader = new ResponseReader();
  for (const piece of pieces) {
    const answer = reader.push(piece);
    if (answer !== null) return answer;
  }
  return close ? reader.end() : null;
}

function cut(bytes: Buffer, places: number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((one, other) => one - other);
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length));
}

function chunked(body: Buffer, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)};x=y\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
}

const bodies = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const places = fc.array(fc.nat(), { maxLength: 8 });

describe('ResponseReader', () => {
  it('reads the same answer however it is cut, by length and by chunks', () => {
    fc.assert(
      fc.property(bodies, places, fc.integer({ min: 1, max: 64 }), fc.boolean(), (body, cuts, chunkSize, byChunks) => {
        const framing = byChunks ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
        const head = Buffer.from(`HTTP/1.1 201 Created\r\n${framing}\r\nX-Instance: a1/orders-0\r\n\r\n`);
        const whole = Buffer.concat([head, byChunks ? chunked(body, chunkSize) : body]);
        const answer = readIn(cut(whole, cuts));
        expect(answer?.status).toBe(201);
        expect(answer?.body.equals(body)).toBe(true);
        expect(answer?.headers.get('x-instance')).toBe('a1/orders-0');
        expect(answer?.keepAlive).toBe(true);
        expect(readIn(cut(whole.subarray(0, whole.length - 1), cuts), true)).toBeNull();
      }),
    );
  });

  it('reads a body until the close, and does not keep that connection', () => {
    const answer = readIn([Buffer.from('HTTP/1.0 503 Service Unavailable\r\ncache-control: no-cache\r\n\r\n<html>')], true);
    expect(answer).toMatchObject({ status: 503, keepAlive: false });
    expect(answer?.body.toString()).toBe('<html>');
  });

  it('skips interim answers, and keeps cookies apart', () => {
    const text =
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
    const answer = readIn([Buffer.from(text)]);
    expect(answer).toMatchObject({ status: 200, keepAlive: false });
    expect(answer?.headers.get('set-cookie')).toBe('a=1\nb=2');
  });

  it('knows that 204 and 304 have no body', () => {
    expect(readIn([Buffer.from('HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n')])?.status).toBe(304);
  });

  it('reads chunks with a trailer', () => {
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n';
    for (let at = 1; at < text.length; at += 1) {
      expect(readIn([Buffer.from(text.slice(0, at)), Buffer.from(text.slice(at))])?.body.toString()).toBe('abc');
    }
  });

  for (const [name, text] of Object.entries({
    'no HTTP': 'SSH-2.0-OpenSSH\r\n\r\n',
    'a header without a colon': 'HTTP/1.1 200 OK\r\nhello\r\n\r\n',
    'a wrong length': 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'a wrong chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    'more than the answer': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab',
  })) {
    it(`refuses ${name}`, () => {
      expect(() => readIn([Buffer.from(text)])).toThrow();
    });
  }
});
