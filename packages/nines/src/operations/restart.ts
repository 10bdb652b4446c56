/**
 * Rolling restart: one instance at a time, the next only when all others are ready. The gateways use a ready one again
 * within 200 ms (`checkTimings`), sooner than the next one, which serves on while it drains, stops.
 */
import { NinesError } from '../errors/errors.ts';
import type { PlacedUnit } from '../topology/cluster-spec.ts';
import type { Cluster } from './cluster.ts';
import { leadingUnits, turnOrder, unitKey } from './turns.ts';

export interface RestartProgress {
  began(unit: PlacedUnit, index: number, total: number): void;
}

/**
 * Units in the order in which they restart: by ordinal, so that neighbours in a zone never follow each other when placement spread
 * them; the one that leads last. @param leading `leadingUnits`
 */
export function restartOrder(units: readonly PlacedUnit[], name: string, leading: ReadonlySet<string>): PlacedUnit[] {
  return turnOrder(
    units.filter((unit) => (unit.engine === 'service' ? unit.group === name || unit.name === name : unit.name === name)),
    leading,
  );
}

/** @param name a service (all its instances) or one unit's name (on every host that has it). Throws E_USAGE when nothing has it. */
export async function rollingRestart(
  cluster: Cluster,
  name: string,
  options: { unitTimeoutMs: number; signal: AbortSignal; progress: RestartProgress },
): Promise<PlacedUnit[]> {
  const { spec } = await cluster.fetchSpec();
  const order = restartOrder(spec.placement.units, name, leadingUnits(await cluster.states(options.signal)));
  if (order.length === 0) {
    const names = [...new Set(spec.placement.units.map((unit) => (unit.engine === 'service' ? (unit.group ?? unit.name) : unit.name)))];
    throw new NinesError('E_USAGE', `nothing here is called '${name}'; there are ${names.sort().join(', ')}`);
  }
  for (const [index, unit] of order.entries()) {
    options.progress.began(unit, index, order.length);
    const key = unitKey(unit);
    const others = new Set(order.filter((other) => other !== unit).map(unitKey));
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
