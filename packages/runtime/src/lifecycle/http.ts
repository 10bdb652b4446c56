/** A lifecycle around a plain `node:http` server. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Call } from '../call/call.ts';
import { PolicyError } from '../errors/policy-error.ts';
import type { Lifecycle } from './lifecycle.ts';

const CALLS = new WeakMap<IncomingMessage, Call>();

/** Until when this request is to be answered, and whether anybody still waits. @throws Error for one that no lifecycle has seen. */
export function callOf(request: IncomingMessage): Call {
  const call = CALLS.get(request);
  if (call === undefined) throw new Error('the request did not come through a lifecycle');
  return call;
}

/** Answers the probes itself, and has the service's own requests counted, limited, and their connections closed while it stops. */
export function withLifecycle(lifecycle: Lifecycle, listener: RequestListener): RequestListener {
  return (request, response) => {
    if (lifecycle.state === 'stopping') response.setHeader('connection', 'close');
    const path = (request.url ?? '').split('?')[0] ?? '';
    const answer = request.method === 'GET' || request.method === 'HEAD' ? lifecycle.probe(path) : null;
    if (answer !== null) {
      answer.then(
        ({ status, contentType, body }) => response.writeHead(status, { 'content-type': contentType }).end(body),
        () => response.writeHead(500).end(),
      );
      return;
    }
    const call = track(lifecycle, request, response);
    CALLS.set(request, call);
    if (lifecycle.limit === null) return listener(request, response);
    void limited(lifecycle, call, response).then((refusal) => {
      // In its own turn: what the listener throws ends the process, as it does without a lifecycle.
      if (refusal === null) return process.nextTick(() => listener(request, response));
      response.writeHead(503, { 'content-type': 'application/json; charset=utf-8', 'retry-after': refusal.retryAfter });
      response.end(JSON.stringify(refusal.body));
    });
  };
}

/** Counts the request until its answer is sent or its client has gone. */
export function track(lifecycle: Lifecycle, request: IncomingMessage, response: ServerResponse): ReturnType<Lifecycle['begin']>['call'] {
  const { method = 'GET', url = '', headers } = request;
  const { call, ended, gone } = lifecycle.begin({
    ...{ name: `${method} ${url.split('?')[0]}`, method, headers },
    stopping: () => {
      if (!response.headersSent) response.setHeader('connection', 'close');
    },
  });
  // Before its answer: the client went away, or the gateway with it.
  response.once('close', () => (response.writableFinished ? ended() : gone()));
  return call;
}

export interface Refusal {
  /** Seconds, as the header has them. */
  retryAfter: string;
  body: { error: 'overloaded'; message: string };
}

/** Holds a place of the limit until the request is answered. @returns null when it has one. */
export function limited({ limit }: Lifecycle, call: Call, response: ServerResponse): Promise<Refusal | null> {
  return new Promise((resolve) => {
    if (limit === null) return resolve(null);
    const answered = (): Promise<void> =>
      new Promise((end) => {
        response.once('finish', end);
        response.once('close', end);
        resolve(null);
      });
    // Given up while it was at work, it has its place already, and whoever works on it answers.
    limit.execute(answered, call).catch((error: unknown) => {
      const afterMs = (error instanceof PolicyError ? error.retryAfterMs : null) ?? 1_000;
      const body = { error: 'overloaded', message: 'There is too much to do. Try again in a moment.' } as const;
      resolve({ retryAfter: String(Math.max(1, Math.ceil(afterMs / 1_000))), body });
    });
  });
}
