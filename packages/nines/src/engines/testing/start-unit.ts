/** Runs one unit outside the agent, with the agent's own parts: for the tests of engines. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { engineIo, KeptClients } from '../../agent/engine-io.ts';
import { materialise } from '../../agent/files.ts';
import { isAlive, signalProcess, signalSession } from '../../agent/process.ts';
import { type Spawned, spawnUnit } from '../../agent/spawn.ts';
import type { Engine, FirstTime, Observation, UnitContext, UnitPlan } from '../engine.ts';

export interface StartedUnit {
  readonly pid: number;
  readonly plan: UnitPlan;
  readonly logFile: string;
  observe(): Promise<Observation>;
  /** The plan's own way to stop; killed after its deadline. Safe to call twice. */
  stop(): Promise<void>;
  /** To the main process alone. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the main process is gone. */
  exited(): Promise<void>;
  /** Starts it again after it ended (kill -9, stop), and waits until it is ready. Resolves with the milliseconds it took. */
  restart(): Promise<number>;
}

export async function startUnit(engine: Engine, context: UnitContext, options: { timeoutMs?: number } = {}): Promise<StartedUnit> {
  const timeoutMs = options.timeoutMs ?? 20_000;
  const plan = engine.plan(context);
  const logFile = join(context.paths.dataDir, 'logs', `${plan.name}.log`);
  const clients = new KeptClients();
  // One unit alone has no cluster that remembers; the stack's own test shows that a lost disk is refused.
  const firstTime: FirstTime = { mayBegin: async () => true, done: async () => undefined };
  const io = (limitMs: number) => engineIo({ clients, firstTime, log: () => undefined }, AbortSignal.timeout(limitMs));
  let spawned: Spawned;

  const observe = () => engine.observe(context, plan, io(2_000));
  const start = async (): Promise<number> => {
    const startedAt = performance.now();
    materialise(plan);
    await engine.prepare?.(context, plan, io(timeoutMs));
    spawned = await spawnUnit(plan, logFile);
    let last: Observation = { ready: false, live: true, reason: 'not asked yet' };
    while (!(last = await observe()).ready) {
      const late = performance.now() - startedAt > timeoutMs;
      if (late || !isAlive(spawned.id)) {
        await stop();
        throw new Error(`${plan.name} is not ready: ${last.reason}\n${tail(logFile)}`);
      }
      await delay(20);
    }
    await engine.onReady?.(context, plan, io(timeoutMs));
    return performance.now() - startedAt;
  };
  const stop = async (): Promise<void> => {
    clients.dropAll();
    signalProcess(spawned.id, 'SIGCONT');
    signalProcess(spawned.id, plan.stop.signal);
    const ended = await Promise.race([spawned.exited.then(() => true), delay(plan.stop.timeoutMs, false, { ref: false })]);
    if (!ended) signalProcess(spawned.id, 'SIGKILL');
    await spawned.exited;
    signalSession(spawned.id.pid, 'SIGKILL');
  };
  await start();
  return {
    get pid() {
      return spawned.id.pid;
    },
    plan,
    logFile,
    observe,
    stop,
    kill: (signal) => void signalProcess(spawned.id, signal),
    exited: async () => void (await spawned.exited),
    restart: start,
  };
}

function tail(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(-15).join('\n');
  } catch {
    return '(no log)';
  }
}
