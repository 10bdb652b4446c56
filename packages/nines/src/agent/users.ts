/** Users of the machine, as numbers. */
import type { UnitUser } from '../engines/engine.ts';
import { findUser, type UserIds } from '../identity/users.ts';

/** Throws E_ENGINE_MISSING when the package that makes the user is not installed. */
export function userIds(user: UnitUser): UserIds {
  return typeof user === 'string' ? findUser(user) : user;
}

export const SETPRIV = '/usr/bin/setpriv';

/** argv that runs `argv` as the user, without groups, without a way to gain privileges. The pid stays the same. */
export function asUser(user: UnitUser, argv: string[], capabilities: string[] = []): string[] {
  const { uid, gid } = userIds(user);
  if (uid === 0 || uid === process.getuid?.()) return argv;
  const capabilityWords = capabilities.length === 0 ? [] : capabilityOptions(capabilities);
  return [SETPRIV, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--no-new-privs', ...capabilityWords, '--', ...argv];
}

function capabilityOptions(capabilities: string[]): string[] {
  const words = capabilities.map((name) => `+${name}`).join(',');
  return [`--inh-caps=${words}`, `--ambient-caps=${words}`];
}
