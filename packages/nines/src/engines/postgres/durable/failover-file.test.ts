import { statSync } from 'node:fs';
import { link, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataContext } from '../../testing/data-context.ts';
import { type PostgresLayout, postgresLayout } from '../layout.ts';
import { parseDurable, readDurable, readDurableIfThere, writeDurable } from './failover-file.ts';

describe('failover.json', () => {
  let layout: PostgresLayout;
  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nines-failover-'));
    layout = {
      ...postgresLayout(dataContext({ engine: 'postgres', ordinal: 0 })),
      unitDir: folder,
      failoverFile: join(folder, 'failover.json'),
    };
  });
  afterEach(() => rm(layout.unitDir, { recursive: true }));

  it('is read back as it was written', async () => {
    for (const durable of [
      { promise: 7, taint: 0 },
      { promise: 7, taint: 5 },
      { promise: 2 ** 53 - 1, taint: 2 },
    ]) {
      await writeDurable({ layout }, durable);
      expect(await readDurable({ layout })).toEqual(durable);
    }
  });

  it('is written over in place: no name changes, which would be two more waits for the disk', async () => {
    await writeDurable({ layout }, { promise: 1, taint: 0 });
    const { ino, size } = statSync(layout.failoverFile);
    await writeDurable({ layout }, { promise: 2 ** 53 - 1, taint: 2 ** 53 - 1 });
    expect(statSync(layout.failoverFile)).toMatchObject({ ino, size });
    await writeDurable({ layout }, { promise: 3, taint: 0 });
    expect(await readDurable({ layout })).toEqual({ promise: 3, taint: 0 });
  });

  it('is made anew where another file stands, and nothing is written through a planted name', async () => {
    await writeFile(layout.failoverFile, '{"promise":7,"taint":0}\n');
    await writeDurable({ layout }, { promise: 8, taint: 0 });
    expect(await readDurable({ layout })).toEqual({ promise: 8, taint: 0 });
    const victim = join(layout.unitDir, 'victim');
    for (const plant of [symlink, link]) {
      await writeFile(victim, 'x'.repeat(512));
      await rm(layout.failoverFile, { force: true });
      await plant(victim, layout.failoverFile);
      await writeDurable({ layout }, { promise: 9, taint: 0 });
      expect(await readDurable({ layout })).toEqual({ promise: 9, taint: 0 });
      expect(await readFile(victim, 'utf8')).toBe('x'.repeat(512));
    }
  });

  it('that is absent, damaged or no file is an error and never nothing', async () => {
    expect(await readDurableIfThere(layout)).toBeNull();
    await expect(readDurable({ layout })).rejects.toMatchObject({ code: 'E_PROMISE_LOST' });
    await writeFile(layout.failoverFile, '{"promise":7,');
    await expect(readDurableIfThere(layout)).rejects.toMatchObject({ code: 'E_PROMISE_LOST' });
    await expect(readDurableIfThere({ ...layout, failoverFile: layout.unitDir })).rejects.toMatchObject({ code: 'E_PROMISE_LOST' });
  });

  it('has two whole numbers, and nothing passes for one', () => {
    const whole = { promise: 1, taint: 2 };
    const anything = fc.oneof(fc.jsonValue(), fc.record({ promise: fc.jsonValue(), taint: fc.jsonValue() }));
    fc.assert(
      fc.property(anything, (value) => {
        const found = parseDurable(JSON.stringify(value));
        if (found !== null) expect(Object.values(found).every((each) => Number.isSafeInteger(each) && each >= 0)).toBe(true);
      }),
    );
    for (const cut of Array.from(JSON.stringify(whole), (_, at) => JSON.stringify(whole).slice(0, at)))
      expect(parseDurable(cut)).toBeNull();
    for (const wrong of [-1, 0.5, '1', null, 2 ** 53]) expect(parseDurable(JSON.stringify({ ...whole, promise: wrong }))).toBeNull();
  });
});
