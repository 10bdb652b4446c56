import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataContext } from '../../testing/data-context.ts';
import { membershipOf } from '../group.ts';
import { postgresLayout } from '../layout.ts';
import { KnownNames } from '../known-names.ts';
import type { Member } from '../member.ts';
import { isRunning, serverChildren } from '../primary/server-children.ts';
import { receiveNothing } from './receivers.ts';

const TITLE = 'postgres: main/replica_0: walreceiver';

describe('walreceivers', () => {
  let folder: string;
  let m: Member;
  let postmaster: ChildProcess;
  let receiver: number;

  /** A process that has a child with a receiver's name. */
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nines-receivers-'));
    postmaster = spawn('bash', ['-c', `(exec -a '${TITLE}' sleep 60) & echo $!; wait; sleep 60`], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(postmaster.stdout!, 'data')) as [Buffer];
    receiver = Number(String(line));
    const context = dataContext({ engine: 'postgres', ordinal: 0 });
    const pid = postmaster.pid ?? 0;
    m = {
      context,
      ...membershipOf(context.spec, context.unit),
      layout: { ...postgresLayout(context), serviceFile: join(folder, 'pg_service.conf') },
      server: { pid, spawn: async () => undefined, kill: () => undefined, gone: async () => undefined },
      knownNames: new KnownNames(),
      door: { isClosing: false },
      io: { log: () => undefined } as unknown as Member['io'],
    };
    await expect.poll(() => serverChildren(pid).map(({ title }) => title)).toEqual([`${TITLE} 60`]);
  });
  afterEach(async () => {
    postmaster.kill('SIGKILL');
    if (isRunning(receiver)) process.kill(receiver, 'SIGKILL');
    await rm(folder, { recursive: true });
  });

  it('end, and find nobody', async () => {
    await receiveNothing(m, AbortSignal.timeout(5_000));
    expect(isRunning(receiver)).toBe(false);
    expect(await readFile(m.layout.serviceFile, 'utf8')).not.toContain('host=');
  });

  it('are not said to have ended when only their postmaster has, and nobody was told yet', async () => {
    process.kill(receiver, 'SIGSTOP');
    postmaster.kill('SIGKILL');
    await once(postmaster, 'exit');
    await expect(receiveNothing(m, AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'E_MEMBER_BUSY' });
    expect(isRunning(receiver)).toBe(true);
    await expect(receiveNothing({ ...m, server: { ...m.server, pid: null } }, AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'E_MEMBER_BUSY',
    });
  });
});
