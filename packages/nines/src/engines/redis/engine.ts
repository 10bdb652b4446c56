/** Redis 7: one master, its replicas; Sentinel decides who is master. */
import type { Engine } from '../engine.ts';
import { observeRedis } from './observe.ts';
import { planRedis } from './plan.ts';
import { prepareRedis } from './prepare.ts';

export const redis: Engine = {
  plan: planRedis,
  prepare: (context, _plan, io) => prepareRedis(context, io),
  observe: (context, _plan, io) => observeRedis(context, io),
};
