import type { FastifyInstance } from 'fastify';
import type { Services } from '../services.ts';

export function healthRoutes(app: FastifyInstance, { life, checks, metrics }: Services): void {
  const options = { schema: { hide: true }, config: { probe: true } };
  /** Alive: the event loop turns. Never asks a dependency: restarting us does not bring the database back. */
  app.get('/livez', options, async () => ({ status: 'alive', state: life.state }));

  for (const path of ['/ready', '/readyz']) {
    app.get(path, options, async (_request, reply) => {
      reply.code(life.readyStatus());
      return { status: life.state === 'serving' ? 'ready' : life.state };
    });
  }

  app.get('/startupz', options, async (_request, reply) => {
    reply.code(life.started ? 200 : 503);
    return { status: life.started ? 'started' : 'starting' };
  });

  /** As in the article: 200 only if the database and Redis answer. For people and monitors, not for the gateway. */
  app.get('/healthz', options, async (_request, reply) => {
    const { ok, checks: results } = await checks.all();
    reply.code(ok ? 200 : 503);
    return { status: ok ? 'ok' : 'failing', checks: results };
  });

  app.get('/metrics', options, async (_request, reply) => {
    const { text, contentType } = await metrics.render();
    return reply.type(contentType).send(text);
  });
}
