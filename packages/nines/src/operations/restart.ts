/**
 * Rolling restart: one instance at a time, the next only when all others are ready. The gateways use a ready one again
 * within 200 ms (`checkTimings`), sooner than the next one, which serves on while it drains, stops.
 */
import { NinesError } from '../errors/errors.ts';
import type { PlacedUnit } from '../topology/cluster-spec.ts';
import type { Cluster } from './cluster.ts';

export interface RestartProgress {
  began(unit: PlacedUnit, index: number, total: number): void;
}

/** Units in the order in which they restart: by ordinal, so that neighbours in a zone never follow each other when placement spread them. */
export function restartOrder(units: readonly PlacedUnit[], name: string): PlacedUnit[] {
  return units
    .filter((unit) => (unit.engine === 'service' ? unit.group === name || unit.name === name : unit.name === name))
    .toSorted((left, right) => left.ordinal - right.ordinal);
}

/** @param name a service (all its instances) or one unit's name (on every host that has it). Throws E_USAGE when nothing has it. */
export async function rollingRestart(
  cluster: Cluster,
  name: string,
  options: { unitTimeoutMs: number; signal: AbortSignal; progress: RestartProgress },
): Promise<PlacedUnit[]> {
  const { spec } = await cluster.fetchSpec();
  const order = restartOrder(spec.placement.units, name);
  if (order.length === 0) {
    const names = [...new Set(spec.placement.units.map((unit) => (unit.engine === 'service' ? (unit.group ?? unit.name) : unit.name)))];
    throw new NinesError('E_USAGE', `nothing here is called '${name}'; there are ${names.sort().join(', ')}`);
  }
  for (const [index, unit] of order.entries()) {
    options.progress.began(unit, index, order.length);
    const key = `${unit.name}@${unit.host}`;
    const others = new Set(order.filter((other) => other !== unit).map((other) => `${other.name}@${other.host}`));
    const deadline = (): AbortSignal => AbortSignal.any([options.signal, AbortSignal.timeout(options.unitTimeoutMs)]);
    // Whoever is down already must not be joined by another one.
    await cluster.waitReady(deadline(), undefined, (missing) => others.has(`${missing.unit}@${missing.host}`));
    await cluster.changeSpec(
      (before) => ({ ...before, restarts: { ...before.restarts, [key]: (before.restarts[key] ?? 0) + 1 } }),
      options.signal,
    );
    await cluster.waitReady(deadline());
  }
  return order;
}
