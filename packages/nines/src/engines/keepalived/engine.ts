/**
 * The virtual address. It belongs to the host whose HAProxy answers, moves in well under a second when that one dies,
 * freezes or is cut off, within 3 s when its agent does, and stays where it is when the other comes back.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { NinesError } from '../../errors/errors.ts';
import type { Engine, Observation, UnitContext, UnitPlan } from '../engine.ts';
import { AGENT_PORT, GATEWAY_METRICS_PORT } from '../../topology/ports.ts';
import { WHO_PATH } from '../haproxy/render.ts';
import { gatewayCheckScript, hostCheckScript } from './scripts.ts';
import { interfaceLine, renderKeepalived } from './render.ts';

const KEEPALIVED = '/usr/sbin/keepalived';

export const keepalived: Engine = { plan, prepare, observe };

/** Where `prepare` notes the interface, which only the host itself knows. */
export function interfaceFileOf(context: UnitContext): string {
  return join(context.paths.runDir, context.unit.name, 'interface.conf');
}

function plan(context: UnitContext): UnitPlan {
  const { spec, unit, paths } = context;
  const folder = join(paths.dataDir, 'units', unit.name);
  const runFolder = join(paths.runDir, unit.name);
  const gatewayCheckFile = join(folder, 'check-gateway.pl');
  const hostCheckFile = join(folder, 'check-host.pl');
  const configFile = join(folder, 'keepalived.conf');
  const agent = { socketFile: join(paths.runDir, 'agent.sock'), path: '/v1/host' };
  const own = { address: spec.hosts[unit.host]?.address ?? '', port: GATEWAY_METRICS_PORT };
  const peers = Object.entries(spec.hosts)
    .filter(([name]) => name !== unit.host)
    .map(([, host]) => ({ address: host.address, port: AGENT_PORT }));
  const file = (path: string, content: string, onChange: 'reload' | 'nothing') => ({ path, content, mode: 0o600, onChange });
  return {
    name: unit.name,
    engine: 'keepalived',
    after: spec.placement.units.filter((other) => other.host === unit.host && other.engine === 'haproxy').map(({ name }) => name),
    argv: [
      ...[KEEPALIVED, '--dont-fork', '--no-syslog', '--log-console', '--log-detail', '--vrrp', '--use-file', configFile],
      ...['--pid', join(runFolder, 'keepalived.pid'), '--vrrp_pid', join(runFolder, 'vrrp.pid')],
    ],
    env: {},
    cwd: '/',
    user: 'root',
    directories: [
      { path: folder, mode: 0o700 },
      { path: runFolder, mode: 0o700 },
    ],
    files: [
      file(gatewayCheckFile, gatewayCheckScript(own, WHO_PATH), 'nothing'),
      file(hostCheckFile, hostCheckScript(peers, agent), 'nothing'),
      file(
        configFile,
        renderKeepalived(spec, unit, { interfaceFile: interfaceFileOf(context), gatewayCheckFile, hostCheckFile }),
        'reload',
      ),
    ],
    stop: { signal: 'SIGTERM', timeoutMs: 2_000 },
    startTimeoutMs: 5_000,
    reloadSignal: 'SIGHUP',
    listens: [],
  };
}

/** The interface that carries an address of this host; null when none does. */
export function interfaceOf(address: string, interfaces = networkInterfaces()): string | null {
  for (const [name, entries] of Object.entries(interfaces)) {
    if (entries?.some((entry) => entry.address === address)) return name;
  }
  return null;
}

/** @throws NinesError E_CONFIG_INVALID when no interface has the host's address. */
async function prepare(context: UnitContext): Promise<void> {
  const address = context.spec.hosts[context.unit.host]?.address ?? '';
  const interfaceName = interfaceOf(address);
  if (interfaceName === null) {
    throw new NinesError('E_CONFIG_INVALID', `no network interface of host '${context.unit.host}' has its address ${address}`);
  }
  const path = interfaceFileOf(context);
  writeFileSync(path, interfaceLine(interfaceName), { mode: 0o600 });
  chmodSync(path, 0o600);
}

/** The process being there is what the agent sees itself; the address is the only fact worth adding. */
async function observe(context: UnitContext): Promise<Observation> {
  const address = context.spec.gatewayAddress ?? '';
  const holds = interfaceOf(address) !== null;
  return {
    ready: true,
    live: true,
    role: holds ? 'active' : 'backup',
    reason: holds ? `holds ${address}` : `ready to take ${address}`,
    details: { holdsAddress: holds },
  };
}
