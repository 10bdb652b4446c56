import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Lab } from './lab.ts';
import { findRecord, labFolder, listLabs, readLab, updateRecord, writeRecord } from './record.ts';

let labsDir: string;
beforeEach(() => {
  labsDir = mkdtempSync(join(tmpdir(), 'nines-record-'));
});
afterEach(() => rmSync(labsDir, { recursive: true }));

const record = (name: string) => ({ name, dir: join(labsDir, name), faultCount: 0 }) as Lab;

it('gives back what was written, by name and in a list, readable by its owner alone', async () => {
  await writeRecord(record('two'));
  await writeRecord(record('one'));
  expect((await readLab(labsDir, 'two')).name).toBe('two');
  expect((await listLabs(labsDir)).map(({ name }) => name)).toEqual(['one', 'two']);
  expect(statSync(join(labsDir, 'one', 'lab.json')).mode & 0o777).toBe(0o600);
  expect(await listLabs(join(labsDir, 'missing'))).toEqual([]);
});

it('loses no change of many at once', async () => {
  await writeRecord(record('busy'));
  const dir = join(labsDir, 'busy');
  const add = () => updateRecord(dir, AbortSignal.timeout(10_000), (lab) => ({ ...lab, faultCount: lab.faultCount + 1 }));
  await Promise.all(Array.from({ length: 20 }, add));
  expect((await findRecord(dir))?.faultCount).toBe(20);
});

it('says so when there is no such lab, and refuses names that leave the folder', async () => {
  await expect(readLab(labsDir, 'none')).rejects.toMatchObject({ code: 'E_LAB_NOT_FOUND' });
  for (const name of ['', '..', '../x', 'a/b', 'A', '-a', '.hidden']) expect(() => labFolder(labsDir, name)).toThrow(/is no name of a lab/);
});
