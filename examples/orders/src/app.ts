/** The HTTP side: what is true of every request. */
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { DatabaseError, KeyError } from '@nines/runtime';
import { lifecyclePlugin } from '@nines/runtime/fastify';
import { Failure } from './failure.ts';
import { describeApi } from './openapi.ts';
import { registerRoutes } from './routes/routes.ts';
import type { Services } from './services.ts';
import type { Session } from './sessions/sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `requireSession`. */
    session: Session | null;
  }
}

export function createApp(services: Services, options: { log: boolean }): FastifyInstance {
  const app = fastify({
    logger: options.log ? { base: { instance: services.instance.name } } : false,
    // A line per request costs more than the request; metrics count them.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    requestTimeout: 10_000,
    // Longer than any gateway keeps an idle connection: the side that sends must be the one that closes.
    keepAliveTimeout: 75_000,
    forceCloseConnections: false,
    return503OnClosing: false,
    // "1" is not 1, and an unknown field is a mistake worth telling, not something to drop.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });
  // Response schemas are there for the API's description.
  app.setSerializerCompiler(() => JSON.stringify);
  // JSON alone: a form on another site can send text with our visitor's cookie.
  app.removeContentTypeParser('text/plain');
  app.decorateRequest('session', null);
  everyRequest(app, services);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw new Failure(404, 'not_found', `There is no ${request.method} ${request.url.split('?')[0]}.`);
  });
  registerRoutes(app, services);
  let description: Promise<object> | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, () => (description ??= describeApi(registerRoutes)));
  return app;
}

function everyRequest(app: FastifyInstance, services: Services): void {
  const { lifecycle, metrics } = services;
  void app.register(lifecyclePlugin, { lifecycle });
  const instance = `${services.instance.name}; zone=${services.instance.zone}`;
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-instance', instance));
  app.addHook('onResponse', async (request, reply) => {
    if (request.routeOptions.config.probe === true) return;
    const route = request.routeOptions.url ?? 'unmatched';
    metrics.answered(request.method, route, reply.statusCode, reply.elapsedTime / 1_000);
  });
}

function answerError(error: FastifyError | Failure | DatabaseError | KeyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Failure) {
    if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
    return reply.code(error.status).send({ error: error.code, message: error.message });
  }
  if (error instanceof KeyError) return answerError(refusedKey(error), request, reply);
  if (error instanceof DatabaseError && error.code !== 'E_STATEMENT_REFUSED') return answerError(unavailable(error), request, reply);
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (status >= 400 && status < 500) {
    return reply.code(status).send({ error: 'invalid_request', message: error.message });
  }
  request.log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'unexpected error');
  return reply.code(500).send({ error: 'internal', message: 'Something is wrong in the service; it has been logged.' });
}

/** 503; a statement that PostgreSQL refuses is a bug of ours and stays an error (500). */
function unavailable(error: DatabaseError): Failure {
  if (error.code === 'E_OUTCOME_UNKNOWN') {
    const message = 'The database did not confirm. Repeat the request with the same Idempotency-Key to learn the outcome.';
    return new Failure(503, 'outcome_unknown', message, { retryAfterSeconds: 1, cause: error });
  }
  const message = 'The database does not answer in time. Nothing was changed.';
  return new Failure(503, 'database_unavailable', message, { retryAfterSeconds: 1, cause: error });
}

function refusedKey(error: KeyError): Failure {
  if (error.code === 'E_KEY_REUSED')
    return new Failure(422, 'key_of_another_request', 'This Idempotency-Key was used for a different request.');
  const message = 'A request with this Idempotency-Key is still at work.';
  return new Failure(409, 'key_in_use', message, { retryAfterSeconds: 1, cause: error });
}
