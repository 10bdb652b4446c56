/** What is done to the primary, by name. The same means for every system. */
import { basename } from 'node:path';
import {
  cut,
  everyoneBut,
  type Fault,
  freezeHost,
  freezeProcess,
  hostProcesses,
  killProcess,
  type Lab,
  powerLoss,
} from '../../packages/nines/src/lab/index.ts';
import type { ScenarioName } from './matrix.ts';
import type { RunningSystem } from './system.ts';

export interface Scenario {
  /** What follows may begin so late after the fault. */
  observeMs: number;
  inject(running: RunningSystem, primary: string, signal: AbortSignal): Promise<Pick<Fault, 'undo'>>;
}

const OBSERVE_MS = 3_000;
/** A frozen agent is noticed by others: first its gateway's checks, then whoever waits for its lease. */
const OBSERVE_AGENT_MS = 10_000;
const SWITCHOVER_TIMEOUT_MS = 60_000;
const NOTHING_TO_UNDO = { undo: () => Promise.resolve() };

export const SCENARIO: Record<ScenarioName, Scenario> = {
  switchover: {
    observeMs: OBSERVE_MS,
    inject: async (running, primary, signal) => {
      await running.switchover(primary, AbortSignal.any([signal, AbortSignal.timeout(SWITCHOVER_TIMEOUT_MS)]));
      return NOTHING_TO_UNDO;
    },
  },
  'postmaster-crash': {
    observeMs: OBSERVE_MS,
    inject: async ({ lab }, primary, signal) => await killProcess(lab, primary, await postmaster(lab, primary), { signal }),
  },
  'host-cut': {
    observeMs: OBSERVE_MS,
    inject: ({ lab }, primary, signal) => cut(lab, { from: [primary], to: everyoneBut(lab, [primary]) }, { signal }),
  },
  'host-power-loss': {
    observeMs: OBSERVE_MS,
    inject: ({ lab }, primary, signal) => powerLoss(lab, primary, { signal }),
  },
  'host-freeze': {
    observeMs: OBSERVE_MS,
    inject: ({ lab }, primary, signal) => freezeHost(lab, primary, { signal }),
  },
  'agent-freeze': {
    observeMs: OBSERVE_AGENT_MS,
    inject: async (running, primary, signal) =>
      await freezeProcess(running.lab, primary, await running.agentPid(primary, signal), { signal }),
  },
};

/** Its children have other names: they say what they do. */
async function postmaster(lab: Lab, host: string): Promise<number> {
  const found = (await hostProcesses(lab, host)).find(({ argv }) => basename(argv[0] ?? '') === 'postgres' && argv.includes('-D'));
  if (found === undefined) throw new Error(`no postmaster runs on ${host}`);
  return found.pid;
}
