/** PostgreSQL 15. The agent runs it by the failover core (see control.ts); here is what it has in common with every other engine. */
import type { Engine } from '../engine.ts';
import { observePostgres } from './observe.ts';
import { planPostgres } from './plan.ts';
import { preparePrimary } from './roles.ts';

export const postgres: Engine = {
  plan: planPostgres,
  observe: (context, _plan, io) => observePostgres(context, io),
  onReady: (context, _plan, io) => preparePrimary(context, io),
};
