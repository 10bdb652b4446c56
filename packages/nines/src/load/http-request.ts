/** The bytes of a request. Pure. */
import type { Target } from './connection.ts';

export interface RequestWords {
  method: 'GET' | 'POST';
  path: string;
  token?: string | undefined;
  key?: string | undefined;
  body?: unknown;
}

export function requestBytes(target: Target, words: RequestWords): Buffer {
  const lines = [`${words.method} ${words.path} HTTP/1.1`, `host: ${target.host}:${target.port}`];
  if (words.token !== undefined) lines.push(`authorization: Bearer ${words.token}`);
  if (words.key !== undefined) lines.push(`idempotency-key: ${words.key}`);
  const body = words.body === undefined ? '' : JSON.stringify(words.body);
  if (words.method === 'POST') lines.push(`content-length: ${Buffer.byteLength(body)}`);
  if (body !== '') lines.push('content-type: application/json');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
