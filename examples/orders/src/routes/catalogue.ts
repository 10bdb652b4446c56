import type { FastifyInstance } from 'fastify';
import { productSchema, sendCacheable } from '../catalogue.ts';
import { Failure, failureSchema } from '../failure.ts';
import type { Services } from '../services.ts';

/** As text, so that a wrong one is refused and not bent into a number. */
const idText = { type: 'string', pattern: '^[1-9][0-9]{0,8}$' } as const;

export function catalogueRoutes(app: FastifyInstance, { catalogue }: Services): void {
  const listSchema = {
    summary: 'Products, 100 a page',
    security: [],
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: { after: { ...idText, description: 'Last product of the page before.' } },
    },
    response: {
      200: { type: 'object', properties: { products: { type: 'array', items: productSchema } } },
      400: failureSchema,
      503: failureSchema,
    },
  };
  app.get<{ Querystring: { after?: string } }>('/products', { schema: listSchema }, async (request, reply) => {
    const after = Number(request.query.after ?? 0);
    const page = await catalogue.page(after);
    return sendCacheable(request, reply, { products: page.value }, page);
  });

  const oneSchema = {
    summary: 'One product',
    security: [],
    params: { type: 'object', required: ['id'], properties: { id: idText } },
    response: { 200: productSchema, 400: failureSchema, 404: failureSchema, 503: failureSchema },
  };
  app.get<{ Params: { id: string } }>('/products/:id', { schema: oneSchema }, async (request, reply) => {
    const product = await catalogue.product(Number(request.params.id));
    if (product.value === null) throw new Failure(404, 'not_found', `There is no product ${request.params.id}.`);
    return sendCacheable(request, reply, product.value, product);
  });
}
