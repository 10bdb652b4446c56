/** From a resting standby to the primary of a term. Clients stay barred. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import type { PostgresCommand } from '../../../failover/commands.ts';
import { readDurable, writeDurable } from '../durable/failover-file.ts';
import { writeLeadershipSettings } from '../leadership-settings.ts';
import type { Member } from '../member.ts';
import { ask, keptConnection } from '../standby/query.ts';
import { startFenced } from '../standby/start-fenced.ts';
import { stopAtOnce } from '../standby/stop-at-once.ts';
import { admissionLoaded, endSessions, writeAdmission } from './admission.ts';
import { untilLoaded } from './leadership.ts';
import { standbyNames } from './names.ts';
import { WRITTEN_TIMELINE } from './server-term.ts';
import { makeSlots } from './slots.ts';
import { together } from './together.ts';
import { checkFork, placeTimelines } from './timelines.ts';

type Promote = Extract<PostgresCommand, { kind: 'promote' }>;

/** Each look costs the machine more than it tells. */
const POLL_MS = 4;
const STOP_MS = 5_000;

/**
 * The taint first, then everything that has to be in force before the first record of the new timeline, then the promotion.
 * @throws NinesError when this is no resting standby, or when the server is on another timeline afterwards: it is stopped then.
 */
export async function promote(m: Member, { term, timelines, setting }: Promote, signal: AbortSignal): Promise<void> {
  await refuseUnlessResting(m, signal);
  const names = standbyNames(setting, term);
  try {
    // None of it promotes, so it is done at once: most of it waits for the disk or for a new process.
    const [mistaken] = await together(
      placeTimelines(m.layout, timelines, term),
      readDurable(m).then((durable) => writeDurable(m, { ...durable, taint: term })),
      failClosed(m, names, signal),
      makeSlots(keptConnection(m, signal), m),
    );
    if (mistaken.length > 0) {
      m.io.log(`the server may have taken timeline ${mistaken.join(', ')} for its own future: it is started again`);
      await stopAtOnce(m, signal);
      // Which frees the numbers again.
      await startFenced(m, signal);
      await together(placeTimelines(m.layout, timelines, term), failClosed(m, names, signal), makeSlots(keptConnection(m, signal), m));
    }
    await becomePrimary(m, term, signal);
    await checkFork(m.layout, timelines, term);
  } catch (error) {
    // A promotion that is on its way cannot be called back, and a primary of another timeline must not stand.
    await stopAtOnce(m, AbortSignal.any([m.io.signal, AbortSignal.timeout(STOP_MS)]));
    throw error;
  }
}

/**
 * The setting is empty only for a leader that the record calls lone. Another one is armed already: a standby has never had an
 * empty one since it was started.
 */
async function failClosed(m: Member, names: string, signal: AbortSignal): Promise<void> {
  writeAdmission(m, false);
  writeLeadershipSettings(m, { standbyNames: names, follows: false });
  m.server.kill('SIGHUP');
  await together(untilLoaded(m, names, signal), admissionLoaded(m, false, signal));
  // Behind both: a connection of this agent's that has not said its name yet would be ended, too.
  await endSessions(m, signal);
}

async function refuseUnlessResting(m: Member, signal: AbortSignal): Promise<void> {
  const [state] = await ask<{ standby: boolean; receives: boolean }>(
    m,
    "select pg_is_in_recovery() as standby, exists (select from pg_stat_wal_receiver where status = 'streaming') as receives",
    signal,
  );
  if (state?.standby === true && !state.receives) return;
  throw new NinesError('E_ORDER_FAILED', `not promoted: the server ${state?.standby === true ? 'receives' : 'is no standby'}`);
}

async function becomePrimary(m: Member, term: number, signal: AbortSignal): Promise<void> {
  // Without waiting: the server's own wait looks only every 100 ms.
  await ask(m, 'select pg_promote(false)', signal);
  for (;;) {
    const [state] = await ask<{ timeline: number | null }>(
      m,
      `select case when pg_is_in_recovery() then null else ${WRITTEN_TIMELINE} end as timeline`,
      signal,
    );
    if (state?.timeline === term) return;
    if (typeof state?.timeline === 'number')
      throw new NinesError('E_ORDER_FAILED', `promoted to timeline ${state.timeline} instead of ${term}`);
    await delay(POLL_MS, undefined, { signal });
  }
}
