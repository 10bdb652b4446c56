/** Changes a running cluster to a changed topology: only the difference is touched. */
import { writeFile } from 'node:fs/promises';
import { NinesError } from '../errors/errors.ts';
import { createClusterIdentity } from '../identity/cluster-identity.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import { type Change, differences } from '../topology/changes/differences.ts';
import { refusals } from '../topology/changes/refusals.ts';
import { makeClusterSpec } from '../topology/make-cluster-spec.ts';
import type { Topology } from '../topology/topology.ts';
import { type Cluster, labPaths } from './cluster.ts';
import { leadingUnits, turnOrder, unitKey } from './turns.ts';

export interface ApplyPlan {
  before: ClusterSpec;
  after: ClusterSpec;
  changes: Change[];
  /** unit@host that still waits for its turn since an `apply` that did not come to its end. Both empty: nothing to do. */
  waiting: string[];
}

/** Throws E_CONFIG_INVALID, with every reason, when the change may not be made while running. */
export async function planApply(cluster: Cluster, topology: Topology): Promise<ApplyPlan> {
  const { spec: before } = await cluster.fetchSpec();
  const after = specAfter(before, topology);
  const refused = refusals(before, after);
  if (refused.length > 0) {
    throw new NinesError('E_CONFIG_INVALID', `this cannot be changed while it runs:\n${refused.map((line) => `  ${line}`).join('\n')}`);
  }
  const newSecrets = secretNames(topology).filter((name) => !secretNames(before.topology).includes(name));
  if (newSecrets.length > 0) {
    throw new NinesError('E_CONFIG_INVALID', `this needs new secrets, which running hosts cannot be given yet: ${newSecrets.join('; ')}`, {
      hint: "Run 'nines down' (the lab's data goes) and 'nines up': secrets reach the hosts at 'up'.",
    });
  }
  return { before, after, changes: differences(before, after), waiting: before.holds };
}

function specAfter(before: ClusterSpec, topology: Topology): ClusterSpec {
  return makeClusterSpec({
    topology,
    addresses: Object.fromEntries(Object.entries(before.hosts).map(([host, { address }]) => [host, address])),
    gatewayAddress: topology.gateway === null ? null : (topology.gateway.address ?? before.gatewayAddress),
    networkPrefix: before.networkPrefix,
    previous: before,
  });
}

/** What has secrets of its own: a service's variables, and every group of PostgreSQL and Redis. */
function secretNames(topology: Topology): string[] {
  return [
    ...Object.entries(topology.services).flatMap(([service, { secrets }]) => secrets.map((name) => `services.${service}: ${name}`)),
    ...Object.keys(topology.postgres).map((group) => `postgres.${group}`),
    ...Object.keys(topology.redis).map((group) => `redis.${group}`),
  ];
}

/**
 * Writes the new desired state and waits until it holds: what is new starts, what is gone stops, and processes whose
 * settings changed are replaced one after the other, each when everything else is ready. When it is interrupted, what is
 * left keeps its old settings, and the next `apply` goes on. Throws E_USAGE when somebody else changed it since the plan.
 */
export async function apply(
  cluster: Cluster,
  plan: ApplyPlan,
  signal: AbortSignal,
  onProgress: Parameters<Cluster['waitReady']>[1],
): Promise<void> {
  await createClusterIdentity({ dir: labPaths(cluster.lab).identityDir, topology: plan.after.topology, signal });
  const holds = plan.after.placement.units.map(unitKey);
  const spec = await cluster.changeSpec((now) => {
    if (now.revision === plan.before.revision) return { ...plan.after, holds };
    throw new NinesError('E_USAGE', 'somebody else changed the cluster in the meantime', {
      hint: "Run 'nines apply' again and look at the new difference.",
    });
  }, signal);
  await writeFile(labPaths(cluster.lab).specFile, `${JSON.stringify(spec)}\n`, { mode: 0o600 });
  await cluster.waitReady(signal, onProgress);
  const outdated = await outdatedUnits(cluster, signal);
  await release(cluster, (key) => !outdated.has(key), signal);
  let waiting = spec.placement.units.filter((one) => outdated.has(unitKey(one)));
  for (;;) {
    // Asked before each turn: who leads may have changed, and is last.
    const [next] = turnOrder(waiting, leadingUnits(await cluster.states(signal)));
    if (next === undefined) return;
    await release(cluster, (key) => key === unitKey(next), signal);
    await cluster.waitReady(signal, onProgress);
    waiting = waiting.filter((unit) => unit !== next);
  }
}

/** Units whose process runs with settings from before, by the agents' word. */
async function outdatedUnits(cluster: Cluster, signal: AbortSignal): Promise<Set<string>> {
  const answers = await cluster.states(signal);
  return new Set(
    answers.flatMap(({ host, state }) => (state?.units ?? []).filter((unit) => unit.outdated).map(({ name }) => unitKey({ name, host }))),
  );
}

async function release(cluster: Cluster, isReleased: (key: string) => boolean, signal: AbortSignal): Promise<void> {
  await cluster.changeSpec((now) => ({ ...now, holds: now.holds.filter((key) => !isReleased(key)) }), signal);
}
