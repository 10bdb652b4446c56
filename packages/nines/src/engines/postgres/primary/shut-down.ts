/** A clean stop of a primary whose successor has all of its log. */
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import type { LogEnd } from '../../../failover/log.ts';
import type { NodeName } from '../../../failover/record.ts';
import { applicationName } from '../application-name.ts';
import { withConnection } from '../connection.ts';
import type { Member } from '../member.ts';
import { endOfLog } from '../standby/end-of-log.ts';
import { otherMember } from '../group.ts';
import { readControlData } from '../standby/log/control-data.ts';
import { keptConnection, type Queries } from '../standby/query.ts';
import { stopAtOnce } from '../standby/stop-at-once.ts';
import { endNewcomers, setAdmission } from './admission.ts';
import { drainSessions, dropLaggards } from './drain.ts';
import { writtenTimeline } from './server-term.ts';
import { askMember, type Witness } from './witness.ts';

const POLL_MS = 1;
const QUERY_MS = 1_000;
/** With much to write back; clients go on meanwhile. */
const CHECKPOINT_MS = 60_000;
const DRAIN_MS = 1_000;
/** Of the fast stop: the checkpoint just before it left little to write. */
const STOP_MS = 3_000;
const ARRIVAL_MS = 1_000;
const NEWCOMERS_MS = 5;
/** So long a checkpoint leaves a new one something to do, which the stop would do while everybody waits. */
const LONG_CHECKPOINT_MS = 30;
const MOST_CHECKPOINTS = 2;

/**
 * Until PostgreSQL is told to stop, whatever fails is taken back: the leader admits clients again and goes on.
 * @returns the end of the log, behind the shutdown checkpoint; `to` has flushed all of it.
 * @throws NinesError otherwise; the server is stopped then, unless it was not told yet.
 */
export async function shutDown(m: Member, to: NodeName, signal: AbortSignal): Promise<LogEnd> {
  const witness = await askMember(m, otherMember(m.group, m.member, to), signal);
  try {
    // First, so that nobody waits for it.
    await withConnection(m.context, { timeoutMs: QUERY_MS, queryTimeoutMs: CHECKPOINT_MS, signal }, checkpoints);
    m.door.isClosing = true;
    await drain(m, to, signal);
    return await stopWithWitness(m, witness, signal);
  } finally {
    m.door.isClosing = false;
    witness.close();
  }
}

async function checkpoints(connection: Queries): Promise<void> {
  for (let round = 0; round < MOST_CHECKPOINTS; round += 1) {
    const startedAt = performance.now();
    await connection.query('checkpoint');
    if (performance.now() - startedAt < LONG_CHECKPOINT_MS) return;
  }
}

async function drain(m: Member, to: NodeName, signal: AbortSignal): Promise<void> {
  try {
    await setAdmission(m, false, signal);
    const connection = keptConnection(m, signal);
    const target = applicationName({ node: to, term: await writtenTimeline(connection), counted: true });
    await drainSessions(connection, DRAIN_MS, signal);
    await dropLaggards(connection, target, signal);
  } catch (error) {
    await setAdmission(m, true, AbortSignal.any([m.io.signal, AbortSignal.timeout(QUERY_MS)]));
    throw error;
  }
}

async function stopWithWitness(m: Member, witness: Witness, signal: AbortSignal): Promise<LogEnd> {
  m.server.kill('SIGINT');
  try {
    await goneWithoutGuests(m, AbortSignal.any([signal, AbortSignal.timeout(STOP_MS)]));
  } catch (error) {
    await stopAtOnce(m, AbortSignal.any([m.io.signal, AbortSignal.timeout(STOP_MS)]));
    throw new NinesError('E_ORDER_FAILED', 'the server did not stop cleanly in time: it was stopped at once', { cause: error });
  }
  const [{ state }, log] = await Promise.all([readControlData(m.layout.dataDir, m.io, signal), endOfLog(m, signal)]);
  if (state !== 'shut down') throw new NinesError('E_ORDER_FAILED', `the server stopped, but not cleanly: ${state}`);
  if (log === null) throw new NinesError('E_ORDER_FAILED', 'the end of the log of a server that stopped cleanly is not sure');
  await hasArrived(witness, log, AbortSignal.any([signal, AbortSignal.timeout(ARRIVAL_MS)]));
  return log;
}

/** Clients that go on connecting are told that the server ends, each by a process that shakes hands first, and all of them are waited for. */
async function goneWithoutGuests(m: Member, signal: AbortSignal): Promise<void> {
  const timer = setInterval(() => endNewcomers(m), NEWCOMERS_MS);
  try {
    await m.server.gone(signal);
  } finally {
    clearInterval(timer);
  }
}

async function hasArrived(witness: Witness, log: LogEnd, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { term, lsn } = await witness.flushed();
    if (term === log.term && lsn >= log.lsn) return;
    await delay(POLL_MS, undefined, { signal });
  }
}
