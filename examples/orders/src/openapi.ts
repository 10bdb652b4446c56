/**
 * The API's description, made of the routes themselves when somebody first asks for it: an instance that starts in
 * the middle of an incident should not spend its first moments on documentation.
 */
import type { FastifyInstance } from 'fastify';
import type { Services } from './services.ts';

export async function describeApi(registerRoutes: (app: FastifyInstance, services: Services) => void): Promise<object> {
  const [{ default: fastify }, { default: swagger }] = await Promise.all([import('fastify'), import('@fastify/swagger')]);
  const app = fastify();
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: { title: 'Orders', version: '0.1.0', description: 'A highly available REST API: see nines.config.ts.' },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          cookie: { type: 'apiKey', in: 'cookie', name: 'session' },
        },
      },
      security: [{ bearer: [] }, { cookie: [] }],
    },
  });
  // Handlers are registered and never called, so they need nothing to work with.
  await app.register(async (routes) => registerRoutes(routes, {} as Services));
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}
