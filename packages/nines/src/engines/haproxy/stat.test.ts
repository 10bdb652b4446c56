import { expect, it } from 'vitest';
import { gatewayStat } from './stat.ts';

const TABLE = `# pxname,svname,qcur,qmax,scur,status,wretr,
nines_gateway,FRONTEND,,,7,OPEN,,
orders,h1_orders-0,0,0,2,UP,4,
orders,h2_orders-1,0,0,1,UP 1/2,0,
orders,h3_orders-2,0,0,1,NOLB,0,
orders,h3_orders-3,0,0,0,DOWN,9,
orders,BACKEND,0,0,4,UP,13,
postgres_main_primary,h1,0,0,5,MAINT,0,
postgres_main_primary,h2,0,0,5,no check,0,
`;

it('reads servers and counts a draining one as not usable', () => {
  const stat = gatewayStat(TABLE);
  expect(stat.sessions).toBe(7);
  expect(stat.servers.map((server) => [server.server, server.usable, server.retries])).toEqual([
    ['h1_orders-0', true, 4],
    ['h2_orders-1', true, 0],
    ['h3_orders-2', false, 0],
    ['h3_orders-3', false, 9],
  ]);
  expect(stat.databases.map((server) => [server.backend, server.server, server.usable])).toEqual([
    ['postgres_main_primary', 'h1', false],
    ['postgres_main_primary', 'h2', true],
  ]);
});

it('does not take another text for statistics', () => {
  expect(() => gatewayStat('Unknown command\n')).toThrow(/no statistics/);
});
