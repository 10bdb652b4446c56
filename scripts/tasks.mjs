/** What `npm run NAME` does: what it needs, and the programs that it starts one after the other. */

/**
 * @typedef {object} Step
 * @property {string} name Shown before and after it.
 * @property {string[]} argv A first word 'node' means the pinned Node; other words without a slash are programs of node_modules/.bin.
 * @property {boolean} [counted] Tests by vitest, whose figures are added up.
 * @property {boolean} [lab] Needs root and the engines; skipped by name without them.
 *
 * @typedef {object} Task
 * @property {string} what One line for people.
 * @property {'none' | 'wanted' | 'required'} engines 'wanted': without root the steps that need them are skipped.
 * @property {Step[]} steps All of them run, also after a failed one.
 * @property {boolean} [takesArguments] The words after the task go to its last step.
 */

/**
 * The lab tests of `npm test`: one for each promise that a change breaks most easily. `npm run test:lab` runs every one.
 * Names of files in test/lab without '.lab.test.ts'.
 */
export const MAIN_LAB_TESTS = ['stack', 'lab-lifecycle', 'postgres-failover-driver', 'engine-redis', 'engine-gateway', 'package'];

const VITEST = 'node_modules/vitest/vitest.mjs';

/** @type {Step[]} */
const CHECKS = [
  { name: 'format (biome)', argv: ['biome', 'format', '.'] },
  { name: 'lint (oxlint)', argv: ['oxlint', '--type-aware'] },
  { name: 'types (tsc)', argv: ['tsc', '-p', '.'] },
  { name: 'dead code (knip)', argv: ['knip'] },
];

/** @type {Step} */
const UNIT = { name: 'unit tests', argv: ['node', VITEST, 'run', '--project', 'unit'], counted: true };

/** @type {Step} */
const LAB = { name: 'lab tests', argv: ['node', VITEST, 'run', '--project', 'lab'], counted: true, lab: true };

/** @type {Record<string, Task>} */
export const TASKS = {
  demo: {
    what: 'the whole system in three zones, loaded, broken, proven and taken down',
    engines: 'required',
    steps: [{ name: 'demo', argv: ['node', 'packages/nines/src/demo/main.ts'], lab: true }],
    takesArguments: true,
  },
  test: {
    what: 'format, lint, types, dead code, unit tests and the main lab tests',
    engines: 'wanted',
    steps: [
      ...CHECKS,
      UNIT,
      { ...LAB, name: 'main lab tests', argv: [...LAB.argv, ...MAIN_LAB_TESTS.map((name) => `test/lab/${name}.lab.test.ts`)] },
    ],
  },
  'test:unit': { what: 'unit tests', engines: 'none', steps: [UNIT], takesArguments: true },
  'test:lab': { what: 'every lab test', engines: 'wanted', steps: [LAB], takesArguments: true },
  bench: {
    what: 'side by side with the peers: npm run bench -- NAME [--runs N]',
    engines: 'required',
    steps: [{ name: 'bench', argv: ['node', 'bench/run.ts'], lab: true }],
    takesArguments: true,
  },
  soak: {
    what: 'random faults under writes, or none: npm run soak -- failover [--minutes N] [--seed N] [--idle | --load]',
    engines: 'required',
    steps: [{ name: 'soak', argv: ['node', 'bench/soak/main.ts'], lab: true }],
    takesArguments: true,
  },
  model: {
    what: 'the failover core in every order of events: npm run model -- [--minutes N] [--scope NAME] [--mutants]',
    engines: 'none',
    steps: [{ name: 'model', argv: ['node', 'packages/nines/model/main.ts'] }],
    takesArguments: true,
  },
  check: { what: 'format, lint, types, dead code', engines: 'none', steps: CHECKS },
};
