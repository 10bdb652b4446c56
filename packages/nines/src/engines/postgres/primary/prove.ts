/** That a setting is what commits really wait for. Changes nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import type { VoterSet } from '../../../failover/record.ts';
import { applicationName, parseApplicationName } from '../application-name.ts';
import type { Member } from '../member.ts';
import { keptConnection, type Queries } from '../standby/query.ts';
import { seeNames } from './leadership.ts';
import { standbyNames } from './names.ts';
import { writtenTimeline } from './server-term.ts';
import { saysTooMuch, type Walsender, walsenders, writeRecord } from './walsenders.ts';

const POLL_MS = 3;
/** For a walsender to show that it has the setting, before it is ended; a new one is born with it. */
const PATIENCE_MS = 150;

/** Resolves when proven; rejects by the signal alone when it cannot be. */
export async function prove(m: Member, setting: VoterSet, signal: AbortSignal): Promise<void> {
  const connection = keptConnection(m, signal);
  const term = await writtenTimeline(connection);
  const names = standbyNames(setting, term);
  while (m.knownNames.of(m.server.pid) !== names && (await seeNames(m, signal)).names !== names)
    await delay(POLL_MS, undefined, { signal });
  if (setting.voters.length === 0) return;
  await everySenderHasIt(m, connection, signal);
  // Written when no walsender goes by an older setting any more: behind all that was ever acknowledged under one.
  await quorumHas(m, { setting, term, lsn: await writeRecord(connection, `term ${term}`) }, connection, signal);
}

/**
 * The postmaster told its children before it let the new connection in. Who was there then and reports what was written after
 * that had the order on its desk when it sent it, and read its settings again before it read the report.
 */
async function everySenderHasIt(m: Member, connection: Queries, signal: AbortSignal): Promise<void> {
  const before = new Set((await walsenders(connection)).filter(mayAcknowledge).map(({ pid }) => pid));
  const lsn = await writeRecord(connection, 'setting');
  const startedAt = performance.now();
  const ended = new Set<number>();
  for (;;) {
    const open = (await walsenders(connection)).filter((each) => before.has(each.pid) && (saysTooMuch(each) || each.flushLsn < lsn));
    if (open.length === 0) return;
    if (performance.now() - startedAt > PATIENCE_MS) {
      for (const { pid, name } of open.filter((each) => !ended.has(each.pid))) {
        m.io.log(`the walsender of ${name} does not show that it has the setting: ended`);
        await connection.query('select pg_terminate_backend($1)', [pid]);
        ended.add(pid);
      }
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Other names were never in a setting: whatever such a walsender believes, it releases nobody. */
function mayAcknowledge({ name }: Walsender): boolean {
  return parseApplicationName(name)?.counted === true;
}

async function quorumHas(
  m: Member,
  { setting, term, lsn }: { setting: VoterSet; term: number; lsn: number },
  connection: Queries,
  signal: AbortSignal,
): Promise<void> {
  const voters = new Set(setting.voters.map((node) => applicationName({ node, term, counted: true })));
  const alarmed = new Set<string>();
  for (;;) {
    const found = (await walsenders(connection)).filter(({ name }) => voters.has(name));
    for (const { name, flushLsn, sentLsn } of found.filter((each) => saysTooMuch(each) && !alarmed.has(each.name))) {
      alarmed.add(name);
      m.io.log(`ALARM: ${name} reports ${flushLsn} as flushed, and only ${sentLsn} was sent to it: not counted`);
    }
    const flushed = new Set(found.filter((each) => !saysTooMuch(each) && each.flushLsn >= lsn).map(({ name }) => name));
    if (flushed.size >= setting.acks) return;
    await delay(POLL_MS, undefined, { signal });
  }
}
