import { endingBy, type Member } from '../member.ts';
import { isPrepared, preparePrimary } from '../roles.ts';
import { keptConnection } from '../standby/query.ts';
import { setAdmission } from './admission.ts';
import { together } from './together.ts';

/** The application may connect when it resolves, and finds its database: on a group's first leader that is made now. */
export async function admit(m: Member, signal: AbortSignal): Promise<void> {
  await together(setAdmission(m, true, signal), prepareOnce(m, signal));
}

async function prepareOnce(m: Member, signal: AbortSignal): Promise<void> {
  if (!(await isPrepared(keptConnection(m, signal), m.group))) await preparePrimary(m.context, endingBy(m.io, signal));
}
