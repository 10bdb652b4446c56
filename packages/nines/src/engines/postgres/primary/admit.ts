import { withConnection } from '../connection.ts';
import { endingBy, type Member } from '../member.ts';
import { isPrepared, preparePrimary } from '../roles.ts';
import { setAdmission } from './admission.ts';
import { together } from './together.ts';

const TIMEOUT_MS = 1_000;

/** The application may connect when it resolves, and finds its database: on a group's first leader that is made now. */
export async function admit(m: Member, signal: AbortSignal): Promise<void> {
  await together(setAdmission(m, true, signal), prepareOnce(m, signal));
}

async function prepareOnce(m: Member, signal: AbortSignal): Promise<void> {
  const isThere = await withConnection(m.context, { timeoutMs: TIMEOUT_MS, signal }, (connection) => isPrepared(connection, m.group));
  if (!isThere) await preparePrimary(m.context, endingBy(m.io, signal));
}
