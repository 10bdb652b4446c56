/** `@nines/runtime/fastify`: a lifecycle as a plugin. */
import type { FastifyInstance } from 'fastify';
import type { Call } from '../call/call.ts';
import { limited, track } from '../lifecycle/http.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Until when it is to be answered, and whether anybody still waits. */
    call: Call;
  }
  interface FastifyContextConfig {
    /** Asked by machines all the time: neither counted as a request nor limited. */
    probe?: boolean;
  }
}

const PROBES = ['/livez', '/ready', '/readyz', '/startupz', '/healthz', '/metrics'];

/** Register it first: hooks of before it would not know `request.call`. Its routes and hooks are the whole application's. */
export async function lifecyclePlugin(app: FastifyInstance, { lifecycle }: { lifecycle: Lifecycle }): Promise<void> {
  lifecycle.attach(app.server);
  app.decorateRequest('call');
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.probe === true) return;
    const call = track(lifecycle, request.raw, reply.raw);
    request.call = call;
    const refusal = await limited(lifecycle, call, reply.raw);
    if (refusal !== null) await reply.code(503).header('retry-after', refusal.retryAfter).send(refusal.body);
  });
  app.addHook('onSend', async (_request, reply) => {
    if (lifecycle.state === 'stopping') reply.header('connection', 'close');
  });
  for (const path of PROBES) {
    app.get(path, { schema: { hide: true }, config: { probe: true } } as object, async (_request, reply) => {
      const answer = await lifecycle.probe(path);
      if (answer === null) throw new Error(`no probe at ${path}`);
      return reply.code(answer.status).type(answer.contentType).send(answer.body);
    });
  }
}

// Fastify would keep hooks and decorators to the plugin's own routes.
Object.assign(lifecyclePlugin, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'nines-lifecycle' });
