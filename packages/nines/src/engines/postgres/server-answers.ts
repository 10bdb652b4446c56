import { connect } from 'node:net';
import { atDeadline } from './at-deadline.ts';

/** PostgreSQL's GSSENCRequest: its length and code. A client that goes after the answer to an SSLRequest is complained of in the server's log. */
const REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30]);
/** It would encrypt by GSSAPI, or not: either is said by a process of its own. `E` is an error, such as no such process. */
const ANSWERS = ['G', 'N'];

/**
 * Whether a postmaster lives there: it takes a connection, starts a process for it, and that one answers a question that needs no
 * account. A frozen one does not, although its kernel accepts. Never rejects: whatever goes wrong within `timeoutMs` is no answer.
 */
export function serverAnswers(address: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal });
    const end = (answered: boolean): void => {
      takeBack();
      socket.destroy();
      resolve(answered);
    };
    const takeBack = atDeadline(timeoutMs, () => end(false));
    socket.once('connect', () => socket.write(REQUEST));
    socket.once('data', (answer) => end(ANSWERS.includes(answer.toString('latin1', 0, 1))));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
