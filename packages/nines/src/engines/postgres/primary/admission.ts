/** Whether the application may connect: by pg_hba.conf, proven by what the postmaster itself answers. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NinesError } from '../../../errors/errors.ts';
import { replaceVolatileFile } from '../../durable-file.ts';
import { ADMISSION_DATABASE, ADMIT_APPLICATION, ADMIT_NOBODY } from '../access.ts';
import type { Member } from '../member.ts';
import { type ServerChild, serverChildren, signalIfThere } from './server-children.ts';

const POLL_MS = 1;
const PROBE_MS = 1_000;
const APPLICATION = 'app';

/** Not loaded yet: the caller sends SIGHUP. */
export function writeAdmission({ layout }: Member, admits: boolean): void {
  replaceVolatileFile(layout.admittedFile, admits ? ADMIT_APPLICATION : ADMIT_NOBODY, 0o600);
}

/** New sessions of the application are let in (or not) from now on; sessions that are there stay. */
export async function setAdmission(m: Member, admits: boolean, signal: AbortSignal): Promise<void> {
  writeAdmission(m, admits);
  m.server.kill('SIGHUP');
  await admissionLoaded(m, admits, signal);
}

export async function admissionLoaded(m: Member, admits: boolean, signal: AbortSignal): Promise<void> {
  while ((await isAdmitting(m, signal)) !== admits) await delay(POLL_MS, undefined, { signal });
}

/**
 * Asks as the application would and looks no further than the server's first word: does it want a password, or does its
 * access list refuse at once? Files show what is written, this shows what is loaded.
 * @throws NinesError E_UNREACHABLE when it answers anything else.
 */
export async function isAdmitting({ layout, member }: Member, signal: AbortSignal): Promise<boolean> {
  const answer = await firstMessage(join(layout.socketDir, `.s.PGSQL.${member.port}`), signal);
  if (answer.startsWith('R')) return true;
  // 28000: refused by pg_hba.conf.
  if (answer.startsWith('E') && answer.includes('C28000')) return false;
  const words = answer.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
  throw new NinesError('E_UNREACHABLE', `the server does not say whether it admits the application: ${words}`);
}

function firstMessage(socketFile: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketFile, signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]) });
    let received = Buffer.alloc(0);
    socket.once('connect', () => socket.write(startupMessage()));
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      // Type, then the length of the rest.
      if (received.length < 5 || received.length < 1 + received.readInt32BE(1)) return;
      socket.destroy();
      resolve(received.toString('latin1'));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new NinesError('E_UNREACHABLE', 'the server closed a new connection without a word')));
  });
}

function startupMessage(): Buffer {
  const parameters = Buffer.from(`user\0${APPLICATION}\0database\0${ADMISSION_DATABASE}\0\0`);
  const header = Buffer.alloc(8);
  header.writeInt32BE(header.length + parameters.length, 0);
  // Protocol 3.0.
  header.writeInt32BE(3 << 16, 4);
  return Buffer.concat([header, parameters]);
}

/**
 * Ends every session of the application, after it was barred. A connection that was made before the bar and has not said its
 * name yet still goes by the old list: it is ended as well. Only where no session can be waiting for a quorum: on a standby.
 */
export async function endSessions(m: Member, signal: AbortSignal): Promise<void> {
  const application = `postgres: ${m.group.name}/${m.member.replicaName}: ${APPLICATION} `;
  const children = () => (m.server.pid === null ? [] : serverChildren(m.server.pid));
  // Still with the postmaster's own command line.
  const isUnnamed = ({ title }: ServerChild) => title.includes(m.layout.dataDir);
  const isApplication = ({ title }: ServerChild) => title.startsWith(application);
  let found = children();
  const suspects = new Set(found.filter(isUnnamed).map(({ pid }) => pid));
  for (let round = 0; ; round += 1, found = children()) {
    const sessions = found.filter(isApplication);
    const unnamed = found.filter((child) => suspects.has(child.pid) && isUnnamed(child));
    if (sessions.length === 0 && unnamed.length === 0) return;
    // Most have said their name by the second look, and are others' then: a replica's, the agent's own.
    for (const { pid } of round === 0 ? sessions : [...sessions, ...unnamed]) signalIfThere(pid, 'SIGTERM');
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Of a server that is told to stop: who has just connected and not said its name yet. Sees most of them; who calls asks again. */
export function endNewcomers(m: Member): void {
  if (m.server.pid === null) return;
  for (const { pid, title } of serverChildren(m.server.pid)) if (title.includes(m.layout.dataDir)) signalIfThere(pid, 'SIGTERM');
}
