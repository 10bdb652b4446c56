/** The core that ships and a shell that keeps its word: nothing is taken away. */
import { DUTIES, type Duty } from '../src/failover/commands.ts';
import { ARITHMETIC } from '../src/failover/quorum.ts';
import { RULES } from '../src/failover/rules/table.ts';
import { makeStep } from '../src/failover/step.ts';
import type { Model } from './world.ts';

export type Parts = Pick<Model, 'step' | 'duties'>;

const EVERY_DUTY = Object.fromEntries(Object.keys(DUTIES).map((duty) => [duty, true])) as Record<Duty, boolean>;

export const UNCHANGED: Parts = { step: makeStep(RULES, ARITHMETIC), duties: EVERY_DUTY };
