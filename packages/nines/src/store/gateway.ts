/**
 * One call to one etcd member. On `node:https` and nothing more, because every agent carries it: it costs 14 MB of
 * resident memory where undici costs 31, of the 90 that an agent may have (docs/internals/store.md).
 */
import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { objectOf, stringOf } from './wire.ts';

/** An etcd member as the client sees it. */
export interface Member {
  /** https://127.0.0.1:2379 */
  endpoint: string;
  hostname: string;
  port: number;
}

export interface Call {
  member: Member;
  agent: Agent;
  /** Path of the gateway, e.g. `/v3/kv/range`. */
  path: string;
  body: unknown;
  /** Ends the call, whatever it waits for. The only deadline there is. */
  signal: AbortSignal;
  /** Called when the request may have reached the member: from then on a write may happen. */
  onReached?: () => void;
}

/** The member gave no usable answer; a write may have happened if it was reached. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/** The member answered that it did not do it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly grpcCode: number;

  constructor(message: string, grpcCode: number) {
    super(message);
    this.grpcCode = grpcCode;
  }
}

/**
 * The gRPC codes that say "this was not done": invalid argument, not found, already exists, permission denied, resource
 * exhausted, failed precondition, out of range, unimplemented, unauthenticated. All others, such as 14 "leader changed"
 * and "request timed out", leave open whether a write happens.
 */
const DEFINITE_CODES = new Set([3, 5, 6, 7, 8, 9, 11, 12, 16]);

export function memberOf(endpoint: string): Member {
  const url = new URL(endpoint);
  return { endpoint, hostname: url.hostname, port: Number(url.port || 2379) };
}

/** The JSON of the answer. Rejects with NoAnswerError or RefusedError. */
export async function callGateway(call: Call): Promise<unknown> {
  const response = await openStream(call);
  let text = '';
  try {
    response.setEncoding('utf8');
    for await (const chunk of response) text += chunk;
  } catch (cause) {
    throw new NoAnswerError(`${call.member.endpoint}: the answer broke off`, { cause });
  }
  return readAnswer(call.member, response.statusCode ?? 0, text);
}

/** Sends the request and resolves with the response as soon as it begins; it ends with the signal. */
export async function openStream({ member, agent, path, body, signal, onReached }: Call): Promise<IncomingMessage> {
  const payload = Buffer.from(JSON.stringify(body));
  const headers = { 'content-type': 'application/json', 'content-length': payload.length };
  return await new Promise<IncomingMessage>((resolve, reject) => {
    if (signal.aborted) return reject(new NoAnswerError(`${member.endpoint}: not asked, the deadline had passed`));
    const outgoing = request({ host: member.hostname, port: member.port, path, method: 'POST', agent, headers });
    const abort = () => outgoing.destroy(new Error('no answer before the deadline'));
    signal.addEventListener('abort', abort, { once: true });
    outgoing.once('close', () => signal.removeEventListener('abort', abort));
    outgoing.once('socket', (socket) => {
      // A kept connection takes the bytes at once; a new one sends nothing before the handshake is done.
      if (outgoing.reusedSocket) onReached?.();
      else socket.once('secureConnect', () => onReached?.());
    });
    outgoing.on('error', (cause) => reject(new NoAnswerError(`${member.endpoint}: ${cause.message}`, { cause })));
    outgoing.once('response', resolve);
    outgoing.end(payload);
  });
}

function readAnswer(member: Member, status: number, text: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    if (status === 404) throw new RefusedError(`${member.endpoint}: no such call`, 12);
    throw new NoAnswerError(`${member.endpoint}: status ${status}, not JSON`);
  }
  const { error, message, code } = objectOf(answer);
  if (status === 200 && error === undefined) return answer;
  // A stream wraps its error in an object of other names.
  const inner = objectOf(error);
  const reason = stringOf(message) || stringOf(error) || stringOf(inner['message']) || `status ${status}`;
  const grpcCode = Number(code ?? inner['grpc_code'] ?? 2);
  if (DEFINITE_CODES.has(grpcCode)) throw new RefusedError(`${member.endpoint}: ${reason}`, grpcCode);
  throw new NoAnswerError(`${member.endpoint}: ${reason}`);
}
