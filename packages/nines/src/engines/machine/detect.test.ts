import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../agent/run.ts';
import { detectMachine, missingFiles, strayProgram } from './detect.ts';
import type { MachineIo } from './kernel.ts';
import { machineReport } from './report.ts';
import { requireEngines } from './require.ts';
import { TOOLS, type Tool } from './tools.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nines-machine-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function program(path: string, output: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho '${output}'\n`);
  chmodSync(file, 0o755);
  return file;
}

function tool(files: string[]): Tool {
  return { name: 'postgres', package: 'p', files, versionArgv: files, minimum: '15.13', user: null, services: [] };
}

function machineIo(signal = AbortSignal.timeout(20_000)): MachineIo {
  return { signal, run: (argv, options) => run(argv, { ...options, signal }) };
}

describe('detectMachine', () => {
  it('reads the version from the program itself', async () => {
    const postgres = tool([program('home/postgres', 'postgres (PostgreSQL) 15.20 (Debian)')]);
    const facts = await detectMachine([postgres], machineIo());
    expect(facts.tools['postgres']).toEqual({ missingFiles: [], version: '15.20' });
    expect(facts.users).toContain('root');
  });

  it('names what a partial installation lacks, and does not run it', async () => {
    const partial = tool([program('home/postgres', '15.20'), join(folder, 'home/pg_rewind')]);
    const facts = await detectMachine([partial], machineIo());
    expect(facts.tools['postgres']).toEqual({ missingFiles: [join(folder, 'home/pg_rewind')], version: null });
    expect(machineReport(facts, [partial]).packages).toEqual(['p']);
  });

  it('knows a file that cannot be executed from one that can', () => {
    const file = program('bin/tool', '1.0');
    expect(missingFiles([file])).toEqual([]);
    chmodSync(file, 0o644);
    expect(missingFiles([file])).toEqual([file]);
  });

  it('ends with its signal', async () => {
    await expect(detectMachine(TOOLS, machineIo(AbortSignal.abort(new Error('enough'))))).rejects.toThrow('enough');
  });
});

describe('strayProgram', () => {
  it('names the first program on PATH unless it lies at home', () => {
    const stray = program('stray/postgres', '');
    program('home/postgres', '');
    const home = join(folder, 'home');
    expect(strayProgram('postgres', home, `${folder}/none::${folder}/stray:${home}`)).toBe(stray);
    expect(strayProgram('postgres', home, `${home}:${folder}/stray`)).toBeNull();
    expect(strayProgram('postgres', home, '')).toBeNull();
  });
});

describe('requireEngines', () => {
  it('asks for nothing but the tools of the lab when no engine is placed', () => {
    const isComplete = missingFiles(TOOLS.flatMap((each) => each.files)).length === 0;
    if (isComplete) expect(() => requireEngines(['service', 'postgres', 'sentinel'])).not.toThrow();
    else expect(() => requireEngines(['postgres', 'sentinel', 'haproxy'])).toThrow(/not installed on this machine/);
  });
});
