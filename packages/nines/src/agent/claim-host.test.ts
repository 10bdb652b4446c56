import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { claimHost } from './claim-host.ts';

it('one agent at a time has a host, and the next has it when the first is gone', async () => {
  const runDir = `/run/nines-test-${randomUUID()}`;
  const first = await claimHost(runDir);
  await expect(claimHost(runDir)).rejects.toMatchObject({ code: 'E_USAGE' });
  const elsewhere = await claimHost(`${runDir}-2`);
  await Promise.all([first, elsewhere].map((claim) => new Promise((closed) => claim.close(closed))));
  const next = await claimHost(runDir);
  await new Promise((closed) => next.close(closed));
});
