/** What `show servers state` says: which servers get connections now. Pure. */

/** 'ready': gets new connections. 'drain': keeps those that it has. 'maint': none. */
export type Routing = 'ready' | 'drain' | 'maint';

/**
 * Forced, inherited, and by the resolver. Not 0x04, which only remembers that the configuration said `disabled`: it stays
 * when the agent has long said `ready`.
 */
const OUT = 0x01 | 0x02 | 0x20;
const DRAINING = 0x08 | 0x10;

/**
 * By backend, then by server.
 * @throws Error when the text is no such table (HAProxy stops, or is another one).
 */
export function serverStates(text: string): Map<string, Map<string, Routing>> {
  const lines = text.split('\n');
  const header = lines
    .find((line) => line.startsWith('# be_id '))
    ?.slice(2)
    .split(' ');
  if (header === undefined) throw new Error('HAProxy gave no table of servers');
  const [backendAt, serverAt, adminAt] = ['be_name', 'srv_name', 'srv_admin_state'].map((column) => header.indexOf(column));
  const backends = new Map<string, Map<string, Routing>>();
  for (const line of lines) {
    if (!/^\d+ /.test(line)) continue;
    const values = line.split(' ');
    const [backend, server, admin] = [backendAt, serverAt, adminAt].map((at) => values[at ?? -1] ?? '');
    if (backend === undefined || server === undefined) continue;
    const servers = backends.get(backend) ?? new Map<string, Routing>();
    backends.set(backend, servers.set(server, routingOf(Number(admin))));
  }
  return backends;
}

function routingOf(admin: number): Routing {
  if ((admin & OUT) !== 0) return 'maint';
  return (admin & DRAINING) === 0 ? 'ready' : 'drain';
}
