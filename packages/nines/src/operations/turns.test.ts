import { expect, it } from 'vitest';
import type { PlacedUnit } from '../topology/cluster-spec.ts';
import { turnOrder } from './turns.ts';

it('replaces stores before services, and the one that leads last', () => {
  const unit = (engine: PlacedUnit['engine'], ordinal: number, initialLeader = false): PlacedUnit => ({
    name: `${engine}-${ordinal}`,
    engine,
    group: null,
    host: 'h',
    ordinal,
    slot: 0,
    initialLeader,
    reason: '',
  });
  const units = [unit('service', 1), unit('postgres', 0, true), unit('service', 0), unit('postgres', 1), unit('etcd', 0)];
  expect(turnOrder(units).map(({ name }) => name)).toEqual(['etcd-0', 'postgres-1', 'postgres-0', 'service-0', 'service-1']);
});
