import { expect, it } from 'vitest';
import { serverStates } from './server-state.ts';

/** HAProxy 2.6.12's own words, the columns behind the sixth left out of what matters. */
const TABLE = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change
3 orders 1 b1_orders-0 10.0.0.2 2 0 1 1 10
7 postgres_main_primary 1 a1 10.0.0.1 0 5 1 1 12
7 postgres_main_primary 2 b1 10.0.0.2 2 4 1 1 0
7 postgres_main_primary 3 c1 10.0.0.3 0 1 1 1 0
8 postgres_main_replicas 1 a1 10.0.0.1 2 8 1 1 0

`;

it('reads who gets connections, and does not take a server out of its configuration for a ready one', () => {
  const states = serverStates(TABLE);
  expect([...(states.get('postgres_main_primary') ?? [])]).toEqual([
    ['a1', 'maint'],
    ['b1', 'ready'],
    ['c1', 'maint'],
  ]);
  expect(states.get('postgres_main_replicas')?.get('a1')).toBe('drain');
  expect(states.get('orders')?.get('b1_orders-0')).toBe('ready');
});

it('does not take another text for the table', () => {
  expect(() => serverStates('Unknown command\n')).toThrow(/no table of servers/);
});
