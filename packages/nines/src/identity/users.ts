import { readFileSync } from 'node:fs';
import { NinesError } from '../errors/errors.ts';

export interface UserIds {
  uid: number;
  gid: number;
}

/** The ids of a user in the text of /etc/passwd, or null. */
export function userIn(passwd: string, name: string): UserIds | null {
  for (const line of passwd.split('\n')) {
    const fields = line.split(':');
    if (fields[0] !== name || fields.length < 7) continue;
    const uid = Number(fields[2]);
    const gid = Number(fields[3]);
    if (Number.isSafeInteger(uid) && Number.isSafeInteger(gid)) return { uid, gid };
  }
  return null;
}

/**
 * The ids of a user of this machine. Throws E_ENGINE_MISSING when it does not exist:
 * Debian's packages make the users of their engines.
 */
export function findUser(name: string, passwdFile = '/etc/passwd'): UserIds {
  const user = userIn(readFileSync(passwdFile, 'utf8'), name);
  if (user === null) throw new NinesError('E_ENGINE_MISSING', `this machine has no user '${name}'; the package of that engine makes it`);
  return user;
}
