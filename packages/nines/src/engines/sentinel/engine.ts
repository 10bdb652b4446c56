/** Redis Sentinel: finds out that a master is gone, and agrees on the next one. */
import type { Engine } from '../engine.ts';
import { observeSentinel } from './observe.ts';
import { planSentinel } from './plan.ts';
import { prepareSentinel } from './prepare.ts';

export const sentinel: Engine = {
  plan: planSentinel,
  prepare: (context, _plan, io) => prepareSentinel(context, io),
  observe: (context, _plan, io) => observeSentinel(context, io),
};
