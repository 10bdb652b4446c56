/** Every route of the API; also read by the description in openapi.ts. */
import type { FastifyInstance } from 'fastify';
import type { Services } from '../services.ts';
import { catalogueRoutes } from './catalogue.ts';
import { loginRoutes } from './login.ts';
import { orderRoutes } from './orders.ts';

export function registerRoutes(app: FastifyInstance, services: Services): void {
  loginRoutes(app, services);
  catalogueRoutes(app, services);
  orderRoutes(app, services);
}
