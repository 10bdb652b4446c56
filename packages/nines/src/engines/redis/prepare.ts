/** Before each start of a Redis: ask who is master, and write down whom to follow. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../errors/errors.ts';
import { replaceFile } from '../durable-file.ts';
import type { EngineIo, UnitContext } from '../engine.ts';
import { askSentinels, othersHaveData } from './ask-group.ts';
import { lastMasterIn, renderBootFile } from './boot-file.ts';
import { memberOf, placeOf, redisGroup } from './group.ts';
import { type RedisLayout, redisLayout } from './layout.ts';
import { roleAtStart, type StartFacts, type StartRole } from './role-at-start.ts';

const ASK_AGAIN_MS = 200;
/** Longer than any failover of the Sentinels: what is undecided for so long does not decide itself. */
const UNDECIDED_MS = 30_000;

/** @throws NinesError E_DATA_LOST when nothing but this empty node could be master of a group that has data. */
export async function prepareRedis(context: UnitContext, io: EngineIo): Promise<void> {
  const layout = redisLayout(context);
  const decided = await decide(context, layout, io);
  io.log(`starts as ${decided.role}${decided.role === 'replica' ? ` of ${decided.of.host}` : ''} (${decided.reason})`);
  await replaceFile(layout.bootFile, renderBootFile(layout.configFile, decided.role === 'replica' ? decided.of : null), 0o600);
}

async function decide(context: UnitContext, layout: RedisLayout, io: EngineIo): Promise<Exclude<StartRole, { role: 'undecided' }>> {
  const startedAt = performance.now();
  let reason = '';
  for (;;) {
    const decided = roleAtStart(await factsOf(context, layout, io.signal));
    if (decided.role !== 'undecided') return decided;
    if (decided.reason !== reason) io.log(`does not start yet (${decided.reason})`);
    reason = decided.reason;
    if (performance.now() - startedAt > UNDECIDED_MS) {
      throw new NinesError(
        'E_DATA_LOST',
        `'${context.unit.name}' on ${context.unit.host} did not start within ${UNDECIDED_MS} ms (${reason})`,
      );
    }
    await delay(ASK_AGAIN_MS, undefined, { signal: io.signal });
  }
}

async function factsOf(context: UnitContext, layout: RedisLayout, signal: AbortSignal): Promise<StartFacts> {
  const group = redisGroup(context.spec, context.unit.group);
  const self = placeOf(memberOf(group.nodes, context.unit));
  const [answers, hasData, boot] = await Promise.all([
    askSentinels(context, signal),
    hasAppendOnlyFile(layout),
    readIfPresent(layout.bootFile),
  ]);
  return {
    self,
    nodes: group.nodes.map(placeOf),
    initialMaster: placeOf(group.initialMaster),
    answers,
    lastMaster: boot === null ? null : lastMasterIn(boot, self),
    hasData,
    othersHaveData: hasData ? false : await othersHaveData(context, signal),
  };
}

async function hasAppendOnlyFile(layout: RedisLayout): Promise<boolean> {
  return (await presentOr(readdir(layout.appendOnlyDir), [])).length > 0;
}

function readIfPresent(path: string): Promise<string | null> {
  return presentOr<string | null>(readFile(path, 'utf8'), null);
}

async function presentOr<T>(reading: Promise<T>, absent: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return absent;
    throw error;
  }
}
