/** Figures of test runs: vitest's JSON report -> counts -> the closing line. Pure. */

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} failures What failed and the first lines of why, for the end of a long output.
 */

/** Of what failed: enough for what was expected and what came. */
const SHOWN_LINES = 12;

/** @type {Readonly<Counts>} */
export const NOTHING = { passed: 0, failed: 0, skipped: 0, failures: [] };

/**
 * A file that failed before it could register a test, and a run that ended without a report, count as one failure each.
 * @param {any} report What `vitest --reporter=json` wrote; null when it wrote nothing.
 * @param {boolean} exitedWell
 * @returns {Counts}
 */
export function countsOf(report, exitedWell) {
  if (report === null) return { ...NOTHING, failed: 1, failures: ['a test run ended without a report'] };
  const passed = Number(report.numPassedTests);
  const skipped = Number(report.numPendingTests) + Number(report.numTodoTests ?? 0);
  const failures = report.testResults.flatMap(failuresOf);
  // An unhandled error fails the run although every test passed.
  if (failures.length === 0 && !exitedWell) failures.push('an error outside of the tests');
  return { passed, failed: Math.max(failures.length, Number(report.numFailedTests)), skipped, failures };
}

/** @param {any} file @returns {string[]} */
function failuresOf(file) {
  if (file.status !== 'failed') return [];
  const failed = file.assertionResults.filter((/** @type {any} */ test) => test.status === 'failed');
  if (failed.length === 0) return [`${file.name}: ${firstLines(file.message)}`];
  return failed.map((/** @type {any} */ test) => `${file.name}: ${test.fullName}: ${firstLines(test.failureMessages?.join('\n'))}`);
}

/** @param {unknown} text */
function firstLines(text) {
  return typeof text === 'string' ? text.split('\n').slice(0, SHOWN_LINES).join('\n  ') : '';
}

/** @param {Counts} left @param {Counts} right @returns {Counts} */
export function added(left, right) {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
    failures: [...left.failures, ...right.failures],
  };
}

/** @param {Pick<Counts, 'passed' | 'failed' | 'skipped'>} counts */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
