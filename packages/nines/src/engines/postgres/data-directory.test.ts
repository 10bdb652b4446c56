import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineIo } from '../engine.ts';
import { dataContext } from '../testing/data-context.ts';
import { hasData, putInPlace } from './data-directory.ts';
import { membershipOf } from './group.ts';
import { MARKER_NAME, postgresLayout } from './layout.ts';
import { processesIn } from './leftovers.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nines-data-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Its only tool removes a tree. */
const io: EngineIo = {
  signal: new AbortController().signal,
  firstTime: { mayBegin: async () => true, done: async () => undefined },
  log: () => undefined,
  run: async (argv) => {
    await rm(argv.at(-1) ?? '', { recursive: true });
    return { stdout: '', stderr: '' };
  },
  keep: (_key, open) => open(),
  drop: () => undefined,
};

function owned(ordinal: number) {
  const context = dataContext({ engine: 'postgres', ordinal });
  const paths = { ...context.paths, dataDir: join(root, `h${ordinal}`), runDir: join(root, `h${ordinal}`, 'run') };
  const here = { ...context, paths };
  return { context: here, ...membershipOf(here.spec, here.unit), layout: postgresLayout(here), io };
}

type Owned = ReturnType<typeof owned>;

async function build({ layout }: Owned): Promise<void> {
  await mkdir(layout.buildingDir, { recursive: true });
  await writeFile(join(layout.buildingDir, 'PG_VERSION'), '15\n');
}

describe('the data of a member', () => {
  let leader: Owned;
  let standby: Owned;
  beforeEach(async () => {
    [leader, standby] = [owned(0), owned(1)];
    await build(leader);
    await putInPlace(leader);
    await mkdir(standby.layout.unitDir, { recursive: true });
  });

  it('is not there while its first copy is half-made, though the leader’s own mark came along', async () => {
    await cp(leader.layout.dataDir, standby.layout.buildingDir, { recursive: true });
    await rm(join(standby.layout.buildingDir, 'PG_VERSION'));
    expect(await hasData(standby)).toBe(false);
    expect(await readdir(standby.layout.unitDir)).toEqual([]);
  });

  it('is there when it was complete, and only the exchange was interrupted', async () => {
    await cp(leader.layout.dataDir, standby.layout.buildingDir, { recursive: true });
    await putInPlace(standby);
    expect(await readFile(join(standby.layout.dataDir, MARKER_NAME), 'utf8')).toContain('"replica_1"');
    await cp(standby.layout.dataDir, standby.layout.buildingDir, { recursive: true });
    await rm(standby.layout.dataDir, { recursive: true });
    expect(await hasData(standby)).toBe(true);
    expect(await readdir(standby.layout.unitDir)).toEqual(['data']);
  });
});

it('finds who works in a folder by any of its names', async () => {
  const [real, link] = [join(root, 'real'), join(root, 'link')];
  await mkdir(join(real, 'data'), { recursive: true });
  await symlink(real, link);
  const sleeper = spawn('sleep', ['60'], { cwd: join(real, 'data') });
  try {
    await once(sleeper, 'spawn');
    expect(await processesIn(join(link, 'data'))).toEqual([sleeper.pid]);
  } finally {
    sleeper.kill('SIGKILL');
  }
});
