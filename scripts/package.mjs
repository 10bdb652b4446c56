/**
 * Makes packages/nines publishable, called by npm itself around `npm pack` and `npm publish`:
 * `prepack` compiles src/ into dist/ and lets package.json point there, `postpack` lets it point to the source again.
 * In a clone nothing is compiled: Node runs the TypeScript, but it refuses to do so below node_modules.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages, pinnedNode } from './setup/packages.mjs';
import { EXIT_ENVIRONMENT, SetupError } from './setup/setup-error.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const PACKAGE = join(ROOT, 'packages/nines');
const MANIFEST = join(PACKAGE, 'package.json');
const SAVED_MANIFEST = join(PACKAGE, '.package.source.json');
const PUBLISHED_EXPORTS = {
  '.': { types: './dist/index.d.ts', default: './dist/index.js' },
  './package.json': './package.json',
};

try {
  if (process.argv[2] === 'prepack') prepack();
  else if (process.argv[2] === 'postpack') restoreManifest();
  else throw new SetupError('usage: package.mjs prepack|postpack; npm calls it');
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = EXIT_ENVIRONMENT;
}

function prepack() {
  restoreManifest(); // A pack that was killed half-way left it pointing to dist/.
  ensurePackages(ROOT, (line) => process.stderr.write(`${line}\n`));
  compile();
  copyOtherFiles(join(PACKAGE, 'src'), join(PACKAGE, 'dist'));
  refuseSourcePaths(join(PACKAGE, 'dist'));
  copyFileSync(MANIFEST, SAVED_MANIFEST);
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  writeFileSync(MANIFEST, `${JSON.stringify({ ...manifest, exports: PUBLISHED_EXPORTS }, null, 2)}\n`);
}

function restoreManifest() {
  if (existsSync(SAVED_MANIFEST)) renameSync(SAVED_MANIFEST, MANIFEST);
}

function compile() {
  rmSync(join(PACKAGE, 'dist'), { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(pinnedNode(ROOT), [tsc, '-p', join(PACKAGE, 'tsconfig.build.json')], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new SetupError('the sources do not compile; the compiler said why, above');
}

/**
 * What the program reads at run time and the compiler does not know: shell scripts, SQL, tables.
 * @param {string} from
 * @param {string} to
 */
function copyOtherFiles(from, to) {
  for (const file of filesBelow(from)) {
    if (file.endsWith('.ts')) continue;
    const target = join(to, relative(from, file));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
}

/**
 * A path to a source file, as in new URL('./main.ts', import.meta.url), would name nothing in the package.
 * @param {string} folder
 */
function refuseSourcePaths(folder) {
  for (const compiled of filesBelow(folder)) {
    if (!compiled.endsWith('.js')) continue;
    const source = dirname(join(PACKAGE, 'src', relative(folder, compiled)));
    const text = readFileSync(compiled, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
    for (const [, path = ''] of text.matchAll(/['"`]([\w./-]+)\.ts['"`]/g)) {
      const isChosen = new RegExp(`['"\`]${path.replaceAll('.', '\\.')}\\.js['"\`]`).test(text);
      if (isChosen || !existsSync(join(source, `${path}.ts`))) continue;
      throw new SetupError(
        `${relative(ROOT, compiled)} names '${path}.ts', which the package does not have; write: import.meta.url.endsWith('.ts') ? '${path}.ts' : '${path}.js'`,
      );
    }
  }
}

/** @param {string} folder @returns {string[]} */
function filesBelow(folder) {
  const names = /** @type {string[]} */ (readdirSync(folder, { recursive: true }));
  return names.map((name) => join(folder, name)).filter((file) => statSync(file).isFile());
}
