/** Starts the process of a unit so that it outlives the agent: own session, output to a file, no pipe to us. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { dirname } from 'node:path';
import type { UnitPlan } from '../engines/engine.ts';
import { type ProcessId, readProcess } from './process.ts';
import { asUser } from './users.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Spawned {
  id: ProcessId;
  /** Resolves when the process ended; it never rejects. */
  exited: Promise<Exit>;
}

/** Throws when the file cannot be executed at all. */
export async function spawnUnit(plan: UnitPlan, logFile: string): Promise<Spawned> {
  const [file, ...args] = asUser(plan.user, plan.argv, plan.capabilities);
  if (file === undefined) throw new Error(`unit ${plan.name} has an empty argv`);
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o640);
  try {
    const child = spawn(file, args, {
      cwd: plan.cwd,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...plan.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    const exited = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const pid = child.pid as number;
    ordinaryPriority(pid);
    // A process that ended at once has no entry any more: any start time will do, it will be found dead.
    return { id: readProcess(pid) ?? { pid, startTimeTicks: 0 }, exited };
  } finally {
    closeSync(log);
  }
}

/** The agent's own preference is not for what it starts. */
export function ordinaryPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_NORMAL);
  } catch {
    // It ended already.
  }
}
