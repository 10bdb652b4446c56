/** Before each start of a Sentinel: compose its file. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { replaceFile } from '../durable-file.ts';
import type { EngineIo, UnitContext } from '../engine.ts';
import { masterAmongNodes } from '../redis/ask-group.ts';
import { composeConfiguration, renderBase, type SentinelState, stateIn } from './configuration.ts';
import { sentinelLayout } from './layout.ts';

const ASK_AGAIN_MS = 100;
/** Then the initial master is not merely late, and the Sentinels have to choose another. */
const FIRST_MASTER_MS = 20_000;

export async function prepareSentinel(context: UnitContext, io: EngineIo): Promise<void> {
  const { stateFile } = sentinelLayout(context);
  const before = await readFile(stateFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const state = stateIn(before, context.unit.group ?? '') ?? (await firstState(context, io));
  await replaceFile(stateFile, composeConfiguration(context, renderBase(context), state), 0o600);
}

/**
 * A Sentinel that is there before the first master calls it down after `down-after`, and replaces it while it is still
 * starting. Only at the first start of this Sentinel: later, a master that is not there is what it exists for.
 */
async function firstState(context: UnitContext, io: EngineIo): Promise<SentinelState | null> {
  const startedAt = performance.now();
  for (;;) {
    const master = await masterAmongNodes(context, io.signal);
    if (master !== null) return { master, currentEpoch: 0, leaderEpoch: 0, configEpoch: 0 };
    io.signal.throwIfAborted();
    if (performance.now() - startedAt > FIRST_MASTER_MS) return null;
    await delay(ASK_AGAIN_MS, undefined, { signal: io.signal });
  }
}
