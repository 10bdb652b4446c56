/** That a setting is what commits really wait for. Changes nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import type { VoterSet } from '../../../failover/record.ts';
import { applicationName, parseApplicationName } from '../application-name.ts';
import { type LocalConnection, withConnection } from '../connection.ts';
import type { Member } from '../member.ts';
import { loadedNames } from './leadership.ts';
import { standbyNames } from './names.ts';
import { saysTooMuch, type Walsender, walsenders, writeRecord } from './walsenders.ts';

const POLL_MS = 1;
const TIMEOUT_MS = 1_000;
/** For a walsender to show that it has the setting, before it is ended; a new one is born with it. */
const PATIENCE_MS = 150;

/** Resolves when proven; rejects by the signal alone when it cannot be. */
export async function prove(m: Member, setting: VoterSet, signal: AbortSignal): Promise<void> {
  for (;;) {
    const isLoaded = await withConnection(m.context, { timeoutMs: TIMEOUT_MS, signal, synchronousCommit: 'local' }, async (connection) => {
      const { names, term } = await loadedNames(connection);
      if (term === null) throw new NinesError('E_ORDER_FAILED', 'this server is no primary');
      if (names !== standbyNames(setting, term)) return false;
      if (setting.voters.length === 0) return true;
      await everySenderHasIt(m, connection, signal);
      // Written when no walsender goes by an older setting any more: behind all that was ever acknowledged under one.
      await quorumHas(m, { setting, term, lsn: await writeRecord(connection, `term ${term}`) }, connection, signal);
      return true;
    });
    if (isLoaded) return;
    await delay(POLL_MS, undefined, { signal });
  }
}

/**
 * The postmaster told its children before it let the new connection in. Who was there then and reports what was written after
 * that had the order on its desk when it sent it, and read its settings again before it read the report.
 */
async function everySenderHasIt(m: Member, connection: LocalConnection, signal: AbortSignal): Promise<void> {
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
  connection: LocalConnection,
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
