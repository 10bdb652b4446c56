import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile, replaceVolatileFile } from './durable-file.ts';

describe.each([
  ['replaceFile', replaceFile],
  ['replaceVolatileFile', async (...file: Parameters<typeof replaceVolatileFile>) => replaceVolatileFile(...file)],
] as const)('%s', (_, replace) => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nines-durable-'));
    file = join(folder, 'boot.conf');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('writes the whole content with the mode, and leaves nothing beside it', async () => {
    await replace(file, 'one\n', 0o600);
    await replace(file, 'two\n', 0o640);
    expect(readFileSync(file, 'utf8')).toBe('two\n');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['boot.conf']);
  });

  it('leaves a file alone that is there as wanted', async () => {
    await replace(file, 'same\n', 0o600);
    const { ino } = statSync(file);
    await replace(file, 'same\n', 0o600);
    expect(statSync(file).ino).toBe(ino);
    chmodSync(file, 0o644);
    await replace(file, 'same\n', 0o600);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('never writes through a link that the unprivileged owner of the folder has planted', async () => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'kept', { mode: 0o600 });
    symlinkSync(victim, file);
    symlinkSync(victim, `${file}.new`);
    await replace(file, 'kept', 0o600);
    await replace(file, 'new\n', 0o640);
    expect(readFileSync(victim, 'utf8')).toBe('kept');
    expect(lstatSync(file).isFile()).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('new\n');
  });
});
