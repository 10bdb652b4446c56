import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initProject } from './init.ts';
import { projectName, startManifest } from './start-files.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nines-init-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('initProject', () => {
  it('writes a project of its own, named after its folder', async () => {
    const result = await initProject(join(folder, 'Web Shop'));
    expect(result.files.toSorted()).toEqual(['.gitignore', 'README.md', 'nines.config.ts', 'package.json', 'service/server.ts']);
    expect(readdirSync(result.folder, { recursive: true }).toSorted()).toEqual([...result.files, 'service'].toSorted());
    const manifest = JSON.parse(readFileSync(join(result.folder, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ name: 'web-shop', type: 'module', private: true });
    expect(manifest.dependencies.nines).toMatch(/^file:.*packages\/nines\/?$/);
    expect(readFileSync(join(result.folder, 'nines.config.ts'), 'utf8')).toContain("name: 'web-shop'");
    expect(result.next).toContain('npm install');
  });

  it.each(['nines.config.ts', 'service/server.ts', 'README.md'])('refuses to overwrite %s, and writes nothing', async (file) => {
    mkdirSync(join(folder, 'service'), { recursive: true });
    writeFileSync(join(folder, file), 'mine');
    const before = readdirSync(folder, { recursive: true });
    await expect(initProject(folder)).rejects.toMatchObject({ code: 'E_FILE_EXISTS', message: expect.stringContaining(file) });
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
    expect(readFileSync(join(folder, file), 'utf8')).toBe('mine');
  });

  it('refuses a package.json that is no ES module, and writes nothing', async () => {
    writeFileSync(join(folder, 'package.json'), '{"name":"old","type":"commonjs"}');
    await expect(initProject(folder)).rejects.toMatchObject({ code: 'E_FILE_EXISTS' });
    expect(readdirSync(folder)).toEqual(['package.json']);
  });

  it('refuses a folder that is a file', async () => {
    writeFileSync(join(folder, 'x'), '');
    await expect(initProject(join(folder, 'x'))).rejects.toMatchObject({ code: 'E_FILE_EXISTS' });
  });

  it('does not ask for an installation where the package is found already', async () => {
    mkdirSync(join(folder, 'node_modules/nines'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/nines/package.json'), '{}');
    writeFileSync(join(folder, 'package.json'), '{"dependencies":{"nines":"file:nines-0.1.0.tgz"}}');
    const result = await initProject(folder);
    expect(result.next).not.toContain('npm install');
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ type: 'module', dependencies: { nines: 'file:nines-0.1.0.tgz' } });
  });
});

describe('startManifest', () => {
  it('leaves an ES module project to its owner', () => {
    expect(startManifest('{"name":"shop","type":"module"}', 'x', null)).toBeNull();
  });

  it('refuses what is not JSON', () => {
    expect(() => startManifest('{', 'x', null)).toThrow(/not JSON/);
  });
});

describe('projectName', () => {
  it('is a cluster name, whatever the folder is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(projectName(name)).toMatch(/^[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?$/);
      }),
    );
  });

  it('keeps a good name', () => {
    expect(projectName('orders-2')).toBe('orders-2');
    expect(projectName('2025')).toBe('hello');
  });
});
