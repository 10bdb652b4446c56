/** Logging in, and who is asking. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { customerByName } from '../customers.ts';
import { Failure, failureSchema } from '../failure.ts';
import type { Services } from '../services.ts';
import { type Session, sessionCookie, tokenOf } from '../sessions/sessions.ts';

const loginBody = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: { name: { type: 'string', pattern: '^\\S(.{0,78}\\S)?$', description: 'The customer; made when new.' } },
} as const;

const loginAnswer = {
  type: 'object',
  required: ['customerId', 'name', 'token'],
  properties: {
    customerId: { type: 'integer' },
    name: { type: 'string' },
    token: { type: 'string', description: 'The cookie `session` holds it too; send either.' },
  },
} as const;

export function loginRoutes(app: FastifyInstance, services: Services): void {
  const { database, sessions } = services;
  const schema = {
    summary: 'Log in',
    security: [],
    body: loginBody,
    response: { 200: loginAnswer, 400: failureSchema, 503: failureSchema },
  };
  app.post<{ Body: { name: string } }>('/login', { schema }, async (request, reply) => {
    const { name } = request.body;
    const customerId = await customerByName(database, request.call, name);
    const token = await sessions.open({ customerId, name }, request.call);
    reply.header('set-cookie', sessionCookie(token, request.headers['x-forwarded-proto'] === 'https'));
    reply.header('cache-control', 'no-store');
    return { customerId, name, token };
  });
}

/** A preHandler; `sessionOf` after it. */
export function requireSession(services: Services): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const token = tokenOf(request.headers);
    const session = token === null ? null : await services.sessions.find(token, request.call);
    if (session === null) throw new Failure(401, 'not_logged_in', 'Log in first: POST /login.');
    request.session = session;
  };
}

export function sessionOf(request: FastifyRequest): Session {
  if (request.session === null) throw new Error(`${request.routeOptions.url} lacks requireSession`);
  return request.session;
}
