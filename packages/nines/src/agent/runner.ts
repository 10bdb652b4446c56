/** What the agent's loop needs of whatever runs a unit. */
import type { Engine, UnitContext, UnitPlan } from '../engines/engine.ts';
import type { UnitState } from './host-state.ts';
import type { PlanHashes } from './plan-hash.ts';
import type { ActualUnit, DesiredUnit } from './reconcile.ts';
import type { UnitRecord } from './unit-record.ts';

export interface WantedUnit extends PlanHashes {
  engine: Engine;
  context: UnitContext;
  plan: UnitPlan;
  restartCount: number;
}

export interface Runner {
  readonly name: string;
  /** Null: nobody wants it any more; what runs keeps being watched until it is stopped. */
  want(wanted: WantedUnit | null): void;
  /** Takes over the process that an earlier agent recorded, if it still lives. */
  adopt(record: UnitRecord): void;
  start(): void;
  stop(reason: string): void;
  /** Writes the changed files and tells the process. */
  reload(): void;
  /** The agent goes; the process stays. */
  release(): void;
  /** The unit is gone for good. */
  forget(): void;
  actual(): ActualUnit;
  /** What runs, as what is wanted: for a unit whose new plan cannot be made. Empty when nothing runs. */
  asItRuns(): DesiredUnit[];
  /** @param held what `reconcile` says of it when nothing runs. */
  state(held: string): UnitState;
}
