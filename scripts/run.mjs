/**
 * npm run NAME: does the set-up that is needed and no more, then starts the task with the pinned Node.
 * Plain JavaScript for the machine's own Node (20 or later). `--dry-run` right after NAME prints what would be done.
 * Exit codes: 0 good, 1 a step failed, 2 wrong usage, 3 the machine lacks something.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { added, closingLine, countsOf, NOTHING } from './results.mjs';
import { enginesState, ensureEngines, installLine } from './setup/engines.mjs';
import { ensurePackages, packagesObstacle, pinnedNode } from './setup/packages.mjs';
import { EXIT_ENVIRONMENT, SetupError } from './setup/setup-error.mjs';
import { TASKS } from './tasks.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const EXIT_USAGE = 2;

const isRoot = process.getuid?.() === 0;
const [name = '', ...words] = process.argv.slice(2);
const isDryRun = words[0] === '--dry-run';
const args = isDryRun ? words.slice(1) : words;

process.exitCode = await main();

async function main() {
  const task = TASKS[name];
  if (task === undefined) return usage(name === '' ? 'no task was named' : `there is no task '${name}'`);
  if (args.length > 0 && task.takesArguments !== true) return usage(`'${name}' takes no arguments`);
  try {
    if (isDryRun) return dryRun(task);
    ensurePackages(ROOT, say);
    if (task.engines === 'required' && !isRoot) {
      throw new SetupError(`'${name}' makes network namespaces and mounts, which needs root. Run:\n  sudo npm run ${name}`);
    }
    if (task.engines === 'required' || (task.engines === 'wanted' && isRoot)) ensureEngines(say);
    return await runSteps(task);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return EXIT_ENVIRONMENT;
  }
}

/** @param {import('./tasks.mjs').Task} task */
async function runSteps(task) {
  let counts = NOTHING;
  for (const step of task.steps) {
    const isLast = step === task.steps.at(-1);
    const argv = [...step.argv, ...(isLast ? args : [])];
    if (step.lab === true && !isRoot) say(`SKIPPED by name below: '${step.name}' need root (sudo npm run ${name})`);
    if (task.steps.length > 1) say(`${step.name} ...`);
    const outcome = await runStep(step, argv);
    if (outcome.interrupted) return 130;
    // A task that is one program answers with its exit code.
    if (task.steps.length === 1 && step.counted !== true) return outcome.code;
    if (task.steps.length > 1) say(`${step.name}: ${outcome.code === 0 ? 'ok' : 'FAILED'}`);
    counts = added(counts, outcome.counts);
  }
  writeResults(counts);
  process.stdout.write(`${closingLine(counts)}\n`);
  return counts.failed === 0 ? 0 : 1;
}

/**
 * @param {import('./tasks.mjs').Step} step
 * @param {string[]} argv
 */
async function runStep(step, argv) {
  const report = join(ROOT, '.cache', `vitest-${process.pid}.json`);
  const reporters = step.counted === true ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : [];
  const { code, interrupted } = await start([...argv, ...reporters]);
  if (step.counted !== true) {
    const counts = code === 0 ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1, failures: [`${step.name}: exit code ${code}`] };
    return { code, interrupted, counts };
  }
  const counts = countsOf(readReport(report), code === 0);
  rmSync(report, { force: true });
  return { code, interrupted, counts };
}

/**
 * The pinned Node is started by its absolute path: the shell of npm may remember the machine's own.
 * @param {string[]} argv
 * @returns {Promise<{code: number, interrupted: boolean}>}
 */
function start(argv) {
  const [word = '', ...rest] = argv;
  const bin = join(ROOT, 'node_modules/.bin');
  const file = word === 'node' ? pinnedNode(ROOT) : join(bin, word);
  // Tools written for Node carry `#!/usr/bin/env node`: they are to find the pinned one too.
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const child = spawn(file, rest, { cwd: ROOT, env, stdio: 'inherit' });
  let interrupted = false;
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    // A terminal sends the first ^C to the child itself: this process only has to wait until it has cleaned up.
    const childHasIt = signal === 'SIGINT' && process.stdin.isTTY && !interrupted;
    if (!childHasIt) child.kill(signal);
    interrupted = true;
  };
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of signals) process.off(signal, forward);
      resolve({ code: code ?? 1, interrupted });
    });
  });
}

/** @param {import('./tasks.mjs').Task} task */
function dryRun(task) {
  const obstacle = packagesObstacle(ROOT);
  if (obstacle !== null) say(`would run npm ci: ${obstacle}`);
  const state = enginesState();
  if (task.engines !== 'none' && state.missing.length > 0) {
    say(
      isRoot
        ? `would install: ${installLine(state.missing, true)}`
        : `engines missing; the line to run: ${installLine(state.missing, false)}`,
    );
  }
  for (const step of task.steps) say(`would run ${step.name}: ${[...step.argv, ...(step === task.steps.at(-1) ? args : [])].join(' ')}`);
  return 0;
}

/** For `.ci/run`, which adds up several tasks. @param {import('./results.mjs').Counts} counts */
function writeResults(counts) {
  const file = process.env['NINES_RESULTS_FILE'];
  if (file === undefined || file === '') return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(counts)}\n`);
}

/** @param {string} file @returns {any} */
function readReport(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

/** @param {string} problem */
function usage(problem) {
  say(problem);
  for (const [task, { what }] of Object.entries(TASKS)) say(`  npm run ${task.padEnd(10)} ${what}`);
  return EXIT_USAGE;
}

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`);
}
