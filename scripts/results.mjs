/** Figures of test runs: vitest's JSON report -> counts -> the closing line. Pure. */

/** @typedef {{passed: number, failed: number, skipped: number}} Counts */

/** @type {Readonly<Counts>} */
export const NOTHING = { passed: 0, failed: 0, skipped: 0 };

/**
 * A file that failed before it could register a test, and a run that ended without a report, count as one failure each.
 * @param {any} report What `vitest --reporter=json` wrote; null when it wrote nothing.
 * @param {boolean} exitedWell
 * @returns {Counts}
 */
export function countsOf(report, exitedWell) {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const passed = Number(report.numPassedTests);
  const skipped = Number(report.numPendingTests) + Number(report.numTodoTests ?? 0);
  const brokenFiles = report.testResults.filter(
    (/** @type {any} */ file) =>
      file.status === 'failed' && !file.assertionResults.some((/** @type {any} */ test) => test.status === 'failed'),
  ).length;
  const failed = Number(report.numFailedTests) + brokenFiles;
  // An unhandled error fails the run although every test passed.
  return { passed, failed: failed === 0 && !exitedWell ? 1 : failed, skipped };
}

/** @param {Counts} left @param {Counts} right @returns {Counts} */
export function added(left, right) {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/** @param {Counts} counts */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
