/** The user's own programs as an engine. */
import type { Engine } from '../engine.ts';
import { observeService } from './observe.ts';
import { planService } from './plan.ts';

export const service: Engine = {
  plan: planService,
  observe: (context, _plan, io) => observeService(context, io),
};
