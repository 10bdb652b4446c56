#!/usr/bin/env node
/**
 * The command `nines`. In a clone it runs the TypeScript source, in the published package the compiled one.
 * A Node that is too old hands over to the pinned one that npm installed beside the package.
 * Only syntax of old Nodes up to that check, so that the message can be shown.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const WANTED = [22, 19];
const EXIT_ENVIRONMENT = 3;

const packageFolder = join(dirname(fileURLToPath(import.meta.url)), '..');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > WANTED[0] || (major === WANTED[0] && minor >= WANTED[1])) {
  const source = join(packageFolder, 'src/cli/main.ts');
  const entry = existsSync(source) ? source : join(packageFolder, 'dist/cli/main.js');
  const { main } = await import(pathToFileURL(entry).href);
  await main(process.argv);
} else {
  handOver();
}

function handOver() {
  const node = pinnedNode();
  if (node === null) {
    process.stderr.write(
      `nines needs Node ${WANTED.join('.')} or later; this is ${process.versions.node}. ` +
        'Install Node 24, or install nines without --omit=optional: it brings its own Node for Linux.\n',
    );
    process.exitCode = EXIT_ENVIRONMENT;
    return;
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends ^C to the child as well; once is enough.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('close', (code) => {
    process.exitCode = code === null ? 1 : code;
  });
}

/** The Node of the optional dependency for this processor, or null. */
function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    const file = join(dirname(manifest), 'bin/node');
    return existsSync(file) ? file : null;
  } catch {
    return null;
  }
}
