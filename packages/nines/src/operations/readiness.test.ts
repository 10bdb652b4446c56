import { describe, expect, it } from 'vitest';
import type { HostState, UnitState } from '../agent/host-state.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import { leftovers, readiness } from './readiness.ts';

const spec = {
  revision: 3,
  placement: { units: [{ name: 'a', host: 'h' }] },
  restarts: { 'a@h': 1 },
} as unknown as ClusterSpec;
const unit = (more: Partial<UnitState>): UnitState =>
  ({ name: 'a', ready: true, restartCount: 1, condition: 'ready', reason: 'runs', ...more }) as UnitState;
const says = (revision: number, units: UnitState[]) => [{ host: 'h', state: { revision, units } as HostState, error: null }];

describe('readiness', () => {
  it('is there when the host works on the revision and the unit was restarted as often as asked', () => {
    expect(readiness(spec, says(3, [unit({})]))).toEqual({ ready: 1, total: 1, missing: [] });
    expect(readiness(spec, says(4, [unit({ restartCount: 2 })])).missing).toEqual([]);
  });

  it.each([
    ['the host says nothing', [{ host: 'h', state: null, error: 'no answer in time' }], 'no answer in time'],
    ['nobody asked it', [], 'not asked'],
    ['what it says is older than the change', says(2, [unit({})]), 'revision 2'],
    ['it has not heard of the unit', says(3, []), 'is not known'],
    ['the unit is not ready', says(3, [unit({ ready: false, condition: 'starting', reason: 'loads' })]), 'starting: loads'],
    ['the process is the one from before the restart', says(3, [unit({ restartCount: 0 })]), 'ready: runs'],
  ])('is missing when %s', (_case, answers, reason) => {
    expect(readiness(spec, answers)).toMatchObject({
      ready: 0,
      missing: [{ unit: 'a', host: 'h', reason: expect.stringContaining(reason) }],
    });
  });

  it('finds what runs and nobody wants', () => {
    expect(leftovers(spec, says(3, [unit({}), unit({ name: 'b' })]))).toEqual([{ unit: 'b', host: 'h', reason: 'is still to stop' }]);
  });
});
