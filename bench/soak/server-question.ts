/** Asks one server, on its own host and past every gateway, whether an application may write there. */
import { execOnHost, type Lab } from '../../packages/nines/src/lab/index.ts';
import { HOST_PROJECT_ROOT } from '../../packages/nines/src/operations/project.ts';
import type { DatabaseAccess } from '../failover/system.ts';

const NODE = '/run/nines/node/node';
const PROGRAM = `${HOST_PROJECT_ROOT}/bench/soak/server-question-process.ts`;
/** For connecting, two queries, and the start of the program. */
const TIMEOUT_MS = 20_000;

export interface Question {
  access: DatabaseAccess;
  /** Unique: no writer uses it. */
  id: number;
}

export interface ServerAnswer {
  /** A write was acknowledged. */
  writes: boolean;
  /** How it answered a read; null: it did not. */
  readsAs: 'primary' | 'standby' | null;
  /** Why not both; null when both. */
  reason: string | null;
}

/** Never rejects but by the signal: a host that is off does not write. */
export async function askServer(lab: Lab, host: string, access: DatabaseAccess, id: number, signal: AbortSignal): Promise<ServerAnswer> {
  const question: Question = { access: { ...access, host: lab.hosts[host]?.address ?? '' }, id };
  try {
    const input = JSON.stringify(question);
    const { stdout, stderr } = await execOnHost(lab, host, [NODE, PROGRAM], { signal, timeoutMs: TIMEOUT_MS, input });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as ServerAnswer;
  } catch (error) {
    signal.throwIfAborted();
    return { writes: false, readsAs: null, reason: error instanceof Error ? error.message : String(error) };
  }
}
