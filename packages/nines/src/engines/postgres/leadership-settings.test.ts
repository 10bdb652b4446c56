import { expect, it } from 'vitest';
import { NOBODY_ACKNOWLEDGES, renderLeadershipSettings } from './leadership-settings.ts';

it('gives a member that rests no source, and a setting that nobody fulfils', () => {
  const text = renderLeadershipSettings({ standbyNames: NOBODY_ACKNOWLEDGES, follows: false }, 'replica_1');
  expect(text).toContain(`synchronous_standby_names = 'ANY 1 ("nobody")'\n`);
  expect(text).toContain("primary_conninfo = ''\n");
  expect(text).toContain("primary_slot_name = ''\n");
});

it('names only the service to one that follows: whom it finds there is the fence’s word', () => {
  const text = renderLeadershipSettings({ standbyNames: NOBODY_ACKNOWLEDGES, follows: true }, 'replica_1');
  expect(text).toContain("primary_conninfo = 'service=leader'\n");
  expect(text).toContain("primary_slot_name = 'replica_1'\n");
});
