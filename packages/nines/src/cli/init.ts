/** `nines init [folder]`: a topology and a service to start from. Writes all of it or nothing. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { NinesError } from '../errors/errors.ts';
import { type Files, projectName, startManifest } from './start-files.ts';
import { printJson, printLine } from './terminal/print.ts';

/** The folder of this package: above src/ in a clone, above dist/ when published. */
const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/** Target -> file in templates/ (npm never packs a file named .gitignore). */
const TEMPLATES = {
  'nines.config.ts': 'nines.config.ts',
  'service/server.ts': 'service/server.ts',
  'README.md': 'README.md',
  '.gitignore': 'gitignore',
};

/** The stable shape of `nines init --json`. */
export interface InitResult {
  folder: string;
  /** Files written, relative to the folder. */
  files: string[];
  /** Commands to run next, in order. */
  next: string[];
}

export function initCommand(): Command {
  return new Command('init')
    .description('write a topology and a small service to start from')
    .argument('[folder]', 'where; it is made when it does not exist', '.')
    .option('--json', 'print what was written as JSON')
    .action(async (folder: string, options: { json?: boolean }) => {
      const result = await initProject(resolve(folder));
      if (options.json === true) printJson(result);
      else printLine(`Written to ${result.folder}:\n  ${result.files.join('\n  ')}\n\nNext:\n  ${result.next.join('\n  ')}`);
    });
}

/**
 * Throws E_FILE_EXISTS, and writes nothing, when one of the files is there already. A package.json that npm made for
 * this package alone (`npm i nines` in an empty folder) is completed; any other is left to its owner.
 */
export async function initProject(folder: string): Promise<InitResult> {
  const name = projectName(basename(folder));
  const files: Files = {};
  for (const [target, template] of Object.entries(TEMPLATES)) {
    const text = await readFile(join(PACKAGE_FOLDER, 'templates', template), 'utf8');
    files[target] = text.replaceAll('my-cluster', name);
  }
  await refuseExisting(folder, Object.keys(files));
  const manifest = startManifest(await readText(join(folder, 'package.json')), name, await dependencyOf(folder));
  await writeAll(folder, files);
  if (manifest !== null) await writeFile(join(folder, 'package.json'), manifest);
  const here = relative(process.cwd(), folder);
  const needsInstall = !(await isResolvable(folder));
  return {
    folder,
    files: [...Object.keys(files), ...(manifest === null ? [] : ['package.json'])],
    next: [...(here === '' ? [] : [`cd ${here}`]), ...(needsInstall ? ['npm install'] : []), 'npx nines doctor', 'sudo npx nines up'],
  };
}

async function refuseExisting(folder: string, targets: string[]): Promise<void> {
  const texts = await Promise.all(targets.map((target) => readText(join(folder, target))));
  const existing = targets.filter((_, i) => texts[i] !== null);
  if (existing.length > 0) {
    throw new NinesError('E_FILE_EXISTS', `${folder} has ${existing.join(', ')} already; nothing was written`);
  }
}

/** All or none: what was written is removed when a later file fails. */
async function writeAll(folder: string, files: Files): Promise<void> {
  const written: string[] = [];
  try {
    for (const [target, text] of Object.entries(files)) {
      const file = join(folder, target);
      await mkdir(dirname(file), { recursive: true });
      // wx: a file that appeared in the meantime is somebody's work.
      await writeFile(file, text, { flag: 'wx' });
      written.push(file);
    }
  } catch (error) {
    await Promise.all(written.map((file) => rm(file, { force: true })));
    throw writeError(error, folder);
  }
}

function writeError(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new NinesError('E_DISK_FULL', `no space left below ${folder}`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const hint = 'Choose a folder that you may write to: nines init FOLDER.';
    return new NinesError('E_PERMISSION', `${folder} cannot be written`, { cause: error, hint });
  }
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    return new NinesError('E_FILE_EXISTS', `${folder} is in use; nothing was written`, { cause: error });
  }
  return error;
}

/** How the new project finds this package; null when it finds it already, in a node_modules above. */
async function dependencyOf(folder: string): Promise<string | null> {
  if (await isResolvable(folder)) return null;
  const manifest = JSON.parse(await readFile(join(PACKAGE_FOLDER, 'package.json'), 'utf8')) as { version: string };
  const isClone = !PACKAGE_FOLDER.includes('/node_modules/');
  return isClone ? `file:${relative(folder, PACKAGE_FOLDER)}` : `^${manifest.version}`;
}

/** Whether `import 'nines'` in that folder finds a package: looks where Node would. */
async function isResolvable(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if ((await readText(join(at, 'node_modules/nines/package.json'))) !== null) return true;
    if (at === dirname(at)) return false;
  }
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
