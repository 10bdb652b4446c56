/** Three real etcd members with real identities on loopback addresses, for the tests of the store and of the engine. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UnitContext } from '../../packages/nines/src/engines/engine.ts';
import { etcd } from '../../packages/nines/src/engines/etcd/engine.ts';
import { etcdEndpoints } from '../../packages/nines/src/engines/etcd/render.ts';
import { type StartedUnit, startUnit } from '../../packages/nines/src/engines/testing/start-unit.ts';
import { createClusterIdentity } from '../../packages/nines/src/identity/cluster-identity.ts';
import { issueHostIdentity } from '../../packages/nines/src/identity/host-identity.ts';
import { certificatePaths } from '../../packages/nines/src/identity/identity.ts';
import { installIdentity } from '../../packages/nines/src/identity/install-identity.ts';
import { exampleTopology } from '../../packages/nines/src/identity/testing/example-topology.ts';
import { createStore, type Store, type StoreTls } from '../../packages/nines/src/store/store.ts';
import type { ClusterSpec } from '../../packages/nines/src/topology/cluster-spec.ts';

const HOSTS = ['h0', 'h1', 'h2'] as const;

export interface EtcdCluster {
  contexts: UnitContext[];
  /** The running members, by ordinal. */
  units: StartedUnit[];
  endpoints: string[];
  tls: StoreTls;
  /** A store that ends with the cluster; the nearest member is that of the given ordinal. */
  store(options?: { nearest?: number; timeoutMs?: number }): Store;
  dataDir(ordinal: number): string;
  /** Ends every process and removes every file, whatever state they are in. */
  remove(): Promise<void>;
}

/** `firstAddress`: its last number in 127.0.21.x; the two above are used too. One for each test file. */
export async function startEtcdCluster(firstAddress: number): Promise<EtcdCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'nines-etcd-'));
  chmodSync(folder, 0o711);
  const units: StartedUnit[] = [];
  const stores: Store[] = [];
  const remove = async () => {
    for (const store of stores) store.close();
    await Promise.all(units.map((unit) => unit.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const spec = specOf(firstAddress);
    const contexts = await contextsOf(folder, spec);
    const started = await Promise.allSettled(contexts.map((context) => startUnit(etcd, context, { timeoutMs: 20_000 })));
    for (const result of started) if (result.status === 'fulfilled') units.push(result.value);
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    const agent = contexts[0]!.certificate('agent');
    const tls = {
      ca: readFileSync(agent.caFile, 'utf8'),
      cert: readFileSync(agent.certFile, 'utf8'),
      key: readFileSync(agent.keyFile, 'utf8'),
    };
    const store = ({ nearest = 0, timeoutMs = 2_000 } = {}): Store => {
      const made = createStore({ endpoints: etcdEndpoints(spec, HOSTS[nearest]), tls, timeoutMs });
      stores.push(made);
      return made;
    };
    const dataDir = (ordinal: number) => join(folder, `h${ordinal}`, 'data', 'units', 'etcd', 'data');
    return { contexts, units, endpoints: etcdEndpoints(spec), tls, store, dataDir, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function contextsOf(folder: string, spec: ClusterSpec): Promise<UnitContext[]> {
  const clusterDir = join(folder, 'cluster');
  const signal = AbortSignal.timeout(30_000);
  await createClusterIdentity({ dir: clusterDir, topology: spec.topology, signal });
  const make = async (unit: ClusterSpec['placement']['units'][number]): Promise<UnitContext> => {
    const base = join(folder, unit.host);
    const seedDir = join(folder, 'seeds', unit.host);
    await issueHostIdentity({ clusterDir, outDir: seedDir, host: unit.host, address: spec.hosts[unit.host]!.address, signal });
    const identityDir = join(base, 'data', 'identity');
    await installIdentity({ seedDir, identityDir });
    const paths = { dataDir: join(base, 'data'), runDir: join(base, 'run'), projectDir: base, nodeFile: process.execPath };
    const secrets = { postgres: {}, redis: {}, services: {}, other: {} };
    return { spec, unit, paths, secrets, certificate: (name) => certificatePaths(identityDir, name) };
  };
  return await Promise.all(spec.placement.units.map(make));
}

function specOf(firstAddress: number): ClusterSpec {
  const hosts = Object.fromEntries(
    HOSTS.map((host, ordinal) => [host, { address: `127.0.21.${firstAddress + ordinal}`, zone: host, region: 'west' }]),
  );
  const units = HOSTS.map((host, ordinal) => ({
    name: 'etcd',
    engine: 'etcd' as const,
    group: null,
    host,
    ordinal,
    slot: 0,
    initialLeader: false,
    reason: 'test',
  }));
  return {
    revision: 1,
    topology: exampleTopology(),
    hosts,
    gatewayAddress: null,
    networkPrefix: 24,
    placement: { units },
    restarts: {},
    holds: [],
  };
}

/** Until `condition` holds; fails with `what` after `timeoutMs`. Resolves with the milliseconds it took. */
export async function eventually(what: string, timeoutMs: number, condition: () => Promise<boolean> | boolean): Promise<number> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return Math.round(performance.now() - startedMs);
}
