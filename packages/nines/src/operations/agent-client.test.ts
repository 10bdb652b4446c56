import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiServers, startApi } from '../agent/api.ts';
import type { Failover, FailoverAction } from '../agent/failover/groups.ts';
import type { HostState } from '../agent/host-state.ts';
import type { GroupView } from '../failover/group-view.ts';
import { createClusterIdentity } from '../identity/cluster-identity.ts';
import { issueHostIdentity, issueOperatorIdentity } from '../identity/host-identity.ts';
import { certificatePaths } from '../identity/identity.ts';
import { exampleTopology } from '../identity/testing/example-topology.ts';
import { AGENT_PORT } from '../topology/ports.ts';
import { AgentClient, type OperatorTls } from './agent-client.ts';
import { openView } from './postgres/testing/twin-group.ts';

const ADDRESS = '127.0.36.1';
const NOBODY = '127.0.36.2';
const signal = AbortSignal.timeout(30_000);

let root: string;
let api: ApiServers;
let client: AgentClient;
const commanded: [string, FailoverAction, unknown][] = [];
const LINE = '{"atMs":5,"rule":15}\n';

const failover: Failover = {
  groups: () => ['main'],
  view: (group): GroupView | null => (group === 'main' ? openView('b1', 3) : null),
  onView: () => () => undefined,
  command: async (group, action, body) => {
    commanded.push([group, action, body]);
    return action === 'reinit' ? { accepted: false, reason: 'it leads' } : { accepted: true, reason: 'it begins' };
  },
  decisions: (_group, sinceMs) => (sinceMs <= 5 ? LINE : ''),
  health: () => null,
};

async function tlsOf(dir: string, name: string): Promise<OperatorTls> {
  const { caFile, certFile, keyFile } = certificatePaths(dir, name as 'operator');
  const [ca = '', cert = '', key = ''] = await Promise.all([caFile, certFile, keyFile].map((file) => readFile(file, 'utf8')));
  return { ca, cert, key };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'nines-client-'));
  const [clusterDir, hostDir, operatorDir] = ['cluster', 'b1', 'operator'].map((name) => join(root, name)) as [string, string, string];
  await createClusterIdentity({ dir: clusterDir, topology: exampleTopology({ postgres: { main: 3 } }), signal });
  await issueHostIdentity({ clusterDir, outDir: hostDir, host: 'b1', address: ADDRESS, signal });
  await issueOperatorIdentity({ clusterDir, outDir: operatorDir, signal });
  const source = { state: () => ({ units: [] }) as unknown as HostState, log: () => null, local: () => null, failover };
  const where = { address: ADDRESS, port: AGENT_PORT, socketFile: join(root, 'agent.sock') };
  api = await startApi(source, { ...where, tls: await tlsOf(hostDir, 'agent') });
  client = new AgentClient(await tlsOf(operatorDir, 'operator'), 500);
}, 30_000);

afterAll(async () => {
  client.close();
  await api.close();
  await rm(root, { recursive: true, force: true });
});

describe('the operator at an agent', () => {
  it('sees how a group is led; null for a group or an agent that is not there', async () => {
    expect(await client.view(ADDRESS, 'main', signal)).toMatchObject({ leader: { host: 'b1', term: 3 }, phase: 'open' });
    expect(await client.view(ADDRESS, 'other', signal)).toBe(null);
    expect(await client.view(NOBODY, 'main', signal)).toBe(null);
  });

  it('gives orders, and is told what the agent thinks of them', async () => {
    expect(await client.order(ADDRESS, 'main', 'switchover', { to: 'a1' }, signal)).toEqual({ accepted: true, reason: 'it begins' });
    expect(await client.order(ADDRESS, 'main', 'failover', { to: 'a1', allowDataLoss: true }, signal)).toMatchObject({ accepted: true });
    expect(await client.order(ADDRESS, 'main', 'pause', {}, signal)).toMatchObject({ accepted: true });
    expect(await client.order(ADDRESS, 'main', 'reinit', {}, signal)).toEqual({ accepted: false, reason: 'it leads' });
    expect(commanded).toEqual([
      ['main', 'switchover', { to: 'a1' }],
      ['main', 'failover', { to: 'a1', allowDataLoss: true }],
      ['main', 'pause', {}],
      ['main', 'reinit', {}],
    ]);
  });

  it('tells an order that was not taken from one whose fate is unknown', async () => {
    await expect(client.order(ADDRESS, 'main', 'failover', { to: 'a1' }, signal)).rejects.toMatchObject({ code: 'E_ORDER_REFUSED' });
    await expect(client.order(ADDRESS, 'other', 'pause', {}, signal)).rejects.toMatchObject({ code: 'E_ORDER_REFUSED' });
    await expect(client.order(NOBODY, 'main', 'pause', {}, signal)).rejects.toMatchObject({ code: 'E_ORDER_UNKNOWN', exit: 4 });
  });

  it('reads decisions, and hears of an agent that gives none', async () => {
    expect(await client.decisions(ADDRESS, 'main', 5, signal)).toBe(LINE);
    expect(await client.decisions(ADDRESS, 'main', 6, signal)).toBe('');
    await expect(client.decisions(NOBODY, 'main', 5, signal)).rejects.toThrow();
  });
});

it('no other certificate gives orders', async () => {
  const agent = new AgentClient(await tlsOf(join(root, 'b1'), 'agent'), 500);
  try {
    await expect(agent.order(ADDRESS, 'main', 'pause', {}, signal)).rejects.toMatchObject({ code: 'E_ORDER_REFUSED' });
    expect(commanded.filter(([, action]) => action === 'pause')).toHaveLength(1);
  } finally {
    agent.close();
  }
});
