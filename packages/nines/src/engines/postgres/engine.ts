/** PostgreSQL 15: one primary, standbys by streaming replication, one role and one slot for each. */
import type { Engine } from '../engine.ts';
import { preparePostgres } from './data-directory.ts';
import { observePostgres } from './observe.ts';
import { planPostgres } from './plan.ts';
import { preparePrimary } from './roles.ts';

export const postgres: Engine = {
  plan: planPostgres,
  prepare: (context, _plan, io) => preparePostgres(context, io),
  observe: (context, _plan, io) => observePostgres(context, io),
  onReady: (context, _plan, io) => preparePrimary(context, io),
};
