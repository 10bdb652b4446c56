/** The set-up behind `npm run`: what it decides, and what it does to files of the machine, in folders made for the test. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { added, closingLine, countsOf, NOTHING } from '../scripts/results.mjs';
import { CLUSTER_DROP_IN, holdServices, isOurs, POLICY_FILE } from '../scripts/setup/debian-services.mjs';
import { enginesState, hasPackageIndex, installLine, toolTable } from '../scripts/setup/engines.mjs';
import { lockDifference, packagesObstacle } from '../scripts/setup/packages.mjs';
import { MAIN_LAB_TESTS, TASKS } from '../scripts/tasks.mjs';
import { installLine as doctorLine } from '../packages/nines/src/engines/machine/report.ts';

const ROOT = join(import.meta.dirname, '..');

let machine = '';

beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), 'nines-setup-'));
});

afterEach(() => {
  rmSync(machine, { recursive: true, force: true });
});

function write(file: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(machine, file)), { recursive: true });
  writeFileSync(join(machine, file), text);
  chmodSync(join(machine, file), mode);
}

describe('npm packages', () => {
  const entry = { version: '1.0.0', integrity: 'sha512-x' };

  it('are installed once: what npm recorded is compared with the lockfile', () => {
    write('package-lock.json', JSON.stringify({ packages: { 'node_modules/a': entry } }));
    expect(packagesObstacle(machine)).toBe('nothing is installed yet');
    write('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/a': entry } }));
    expect(packagesObstacle(machine)).toBe('the pinned Node is not there');
    write('node_modules/.bin/node', '', 0o755);
    expect(packagesObstacle(machine)).toBeNull();
    write('package-lock.json', JSON.stringify({ packages: { 'node_modules/a': { ...entry, version: '1.0.1' } } }));
    expect(packagesObstacle(machine)).toBe('node_modules/a has another version');
  });

  it('are installed again after an installation that was interrupted', () => {
    write('package-lock.json', JSON.stringify({ packages: { 'node_modules/a': entry } }));
    write('node_modules/.package-lock.json', '{"packages": {');
    expect(packagesObstacle(machine)).toBe('nothing is installed yet');
  });

  it('may lack what is for other platforms, and nothing else', () => {
    const optional = { ...entry, optional: true };
    const wanted = { '': {}, 'packages/x': {}, 'node_modules/x': { link: true }, 'node_modules/a': entry, 'node_modules/b': optional };
    expect(lockDifference(wanted, { 'node_modules/x': {}, 'node_modules/a': entry })).toBeNull();
    expect(lockDifference(wanted, { 'node_modules/a': entry })).toBe('node_modules/x is not installed');
    const other = { ...optional, integrity: 'sha512-y' };
    expect(lockDifference(wanted, { 'node_modules/x': {}, 'node_modules/a': entry, 'node_modules/b': other })).toContain('another version');
  });

  it('says so when this is no clone', () => {
    expect(() => packagesObstacle(machine)).toThrow(/complete clone/);
  });
});

describe('engines', () => {
  it('are missing on an empty machine, each package once', () => {
    const { missing, leftovers } = enginesState(machine);
    expect(missing).toEqual([...new Set(toolTable().map((tool) => tool.package))]);
    expect(leftovers).toEqual([]);
  });

  it('are missing exactly as long as one of their files is', () => {
    fc.assert(
      fc.property(fc.subarray(toolTable()), (present) => {
        const root = mkdtempSync(join(machine, 'root-'));
        for (const file of present.flatMap((tool) => tool.files)) {
          mkdirSync(join(root, dirname(file)), { recursive: true });
          writeFileSync(join(root, file), '', { mode: 0o755 });
        }
        const absent = toolTable().filter((tool) => !present.includes(tool) && !present.some((other) => other.name === tool.name));
        expect(enginesState(root).missing).toEqual([...new Set(absent.map((tool) => tool.package))]);
      }),
      { numRuns: 20 },
    );
  });

  it('know whether apt has an index', () => {
    expect(hasPackageIndex(machine)).toBe(false);
    mkdirSync(join(machine, 'var/lib/apt/lists/partial'), { recursive: true });
    expect(hasPackageIndex(machine)).toBe(false);
    write('var/lib/apt/lists/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages.lz4', '');
    expect(hasPackageIndex(machine)).toBe(true);
  });

  it('are asked for with the same line as nines doctor prints', () => {
    for (const root of [true, false]) expect(installLine(['a', 'b'], root)).toBe(doctorLine(['a', 'b'], root));
  });
});

describe("Debian's own services", () => {
  const policyVerdict = (...args: string[]): number | null => spawnSync(join(machine, POLICY_FILE), args).status;

  it('are kept from starting while we install, others are not, and everything is put back', () => {
    const { ownPolicy, release } = holdServices(['redis-server', 'etcd'], machine);
    expect(ownPolicy).toBe(true);
    expect(policyVerdict('redis-server', 'start')).toBe(101);
    expect(policyVerdict('--quiet', 'etcd.service', 'start', '2')).toBe(101);
    expect(policyVerdict('ssh', 'restart')).toBe(0);
    expect(readFileSync(join(machine, CLUSTER_DROP_IN), 'utf8')).toContain('create_main_cluster = false');
    release();
    expect(readdirSync(machine, { recursive: true }).filter((name) => !['usr', 'usr/sbin', 'etc'].includes(String(name)))).toEqual([]);
  });

  it("leave the machine's own policy alone", () => {
    write(POLICY_FILE, '#!/bin/sh\nexit 101\n', 0o755);
    const { ownPolicy, release } = holdServices([], machine);
    expect(ownPolicy).toBe(false);
    release();
    expect(readFileSync(join(machine, POLICY_FILE), 'utf8')).toBe('#!/bin/sh\nexit 101\n');
    expect(existsSync(join(machine, CLUSTER_DROP_IN))).toBe(false);
  });

  it('find and remove what a killed set-up left behind', () => {
    holdServices(['etcd'], machine);
    for (const tool of toolTable()) for (const file of tool.files) write(file, '', 0o755);
    expect(enginesState(machine)).toEqual({ missing: [], leftovers: [POLICY_FILE, CLUSTER_DROP_IN] });
    expect(isOurs(join(machine, POLICY_FILE))).toBe(true);
    holdServices([], machine).release();
    expect(enginesState(machine).leftovers).toEqual([]);
  });

  it('keep a folder that Debian filled in the meantime', () => {
    const { release } = holdServices([], machine);
    write('/etc/postgresql-common/createcluster.conf', '');
    release();
    expect(existsSync(join(machine, '/etc/postgresql-common/createcluster.conf'))).toBe(true);
  });
});

describe('npm run', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [join(ROOT, 'scripts/run.mjs'), ...args], { encoding: 'utf8' });

  it('refuses unknown tasks and arguments where none are taken', () => {
    expect(run('tset')).toMatchObject({ status: 2, stderr: expect.stringContaining("there is no task 'tset'") });
    expect(run('check', 'x').status).toBe(2);
    expect(run().status).toBe(2);
  });

  it('shows what it would do, and does nothing', () => {
    const { status, stderr } = run('test', '--dry-run');
    expect(status).toBe(0);
    expect(stderr).toContain('would run unit tests');
    for (const name of MAIN_LAB_TESTS) expect(stderr).toContain(`test/lab/${name}.lab.test.ts`);
  });

  it('names only lab tests and programs that exist', () => {
    for (const name of MAIN_LAB_TESTS) expect(existsSync(join(ROOT, `test/lab/${name}.lab.test.ts`)), name).toBe(true);
    for (const { steps } of Object.values(TASKS)) {
      for (const { argv } of steps) {
        const [program = '', file = ''] = argv;
        expect(existsSync(join(ROOT, program === 'node' ? file : `node_modules/.bin/${program}`)), argv.join(' ')).toBe(true);
      }
    }
  });

  it('has a task for every script of package.json that starts it', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const started = Object.values(scripts).flatMap((line) => /scripts\/run\.mjs (\S+)/.exec(line)?.[1] ?? []);
    expect(started.toSorted()).toEqual(Object.keys(TASKS).toSorted());
  });
});

describe('figures of a test run', () => {
  const report = (passed: number, failed: number, pending: number, files: object[] = []) => ({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: 0,
    testResults: files,
  });

  it('add up to the closing line', () => {
    const counts = added(countsOf(report(3, 0, 2), true), countsOf(report(4, 1, 0), false));
    expect(closingLine(counts)).toBe('7 passed, 1 failed, 2 skipped');
    expect(closingLine(added(NOTHING, countsOf(report(1, 0, 0), true)))).toBe('1 passed, 0 failed');
  });

  it('count what vitest cannot: no report, a file that does not load, an unhandled error', () => {
    expect(countsOf(null, true).failed).toBe(1);
    expect(countsOf(report(3, 0, 0, [{ status: 'failed', assertionResults: [] }]), false).failed).toBe(1);
    expect(countsOf(report(3, 0, 0), false).failed).toBe(1);
    expect(countsOf(report(3, 1, 0, [{ status: 'failed', assertionResults: [{ status: 'failed' }] }]), false).failed).toBe(1);
  });

  it('name what failed, with the first lines of why', () => {
    const files = [
      {
        name: 'a.test.ts',
        status: 'failed',
        assertionResults: [{ status: 'failed', fullName: 'adds', failureMessages: ['Error: 3\nat x'] }],
      },
      { name: 'b.test.ts', status: 'failed', message: 'SyntaxError: no\nat y', assertionResults: [] },
    ];
    expect(countsOf(report(3, 1, 0, files), false)).toEqual({
      passed: 3,
      failed: 2,
      skipped: 0,
      failures: ['a.test.ts: adds: Error: 3\n  at x', 'b.test.ts: SyntaxError: no\n  at y'],
    });
  });
});
