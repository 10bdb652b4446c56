/**
 * The user that a service runs as: numbers alone, without an entry in /etc/passwd, as systemd does for DynamicUser and
 * from the same range. No file of the machine belongs to them, and two services cannot read each other's files or
 * signal each other. Pure.
 */
import { NinesError } from '../../errors/errors.ts';
import type { Topology } from '../../topology/topology.ts';

/** systemd's DYNAMIC_UID_MIN and DYNAMIC_UID_MAX: Debian gives these numbers to nobody else. */
const FIRST_ID = 61_184;
const LAST_ID = 65_519;

/**
 * By a hash of the name, so that adding a service does not move the others (their units would restart to change user);
 * only two names of one hash depend on each other. Every host comes to the same numbers.
 */
export function serviceUser(topology: Topology, serviceName: string): { uid: number; gid: number } {
  const taken = new Set<number>();
  for (const name of Object.keys(topology.services).toSorted()) {
    let id = FIRST_ID + (fnv1a(name) % (LAST_ID - FIRST_ID + 1));
    while (taken.has(id)) id = id === LAST_ID ? FIRST_ID : id + 1;
    if (name === serviceName) return { uid: id, gid: id };
    taken.add(id);
  }
  throw new NinesError('E_CONFIG_INVALID', `the topology has no service '${serviceName}'`);
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
