/**
 * A clean clone, as root: npm test, then npm run test:lab. The closing line is `N passed, N failed[, N skipped]`, over both.
 * Exit code: not 0 on any failure, and under CI on any skipped test as well.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { added, closingLine, NOTHING } from './results.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const CI = process.env['CI'] ?? '';
const isStrict = CI !== '' && CI !== '0' && CI !== 'false';

const folder = mkdtempSync(join(tmpdir(), 'nines-ci-'));
let total = NOTHING;
try {
  for (const task of ['test', 'test:lab']) {
    console.log(`== npm run ${task}`);
    const file = join(folder, 'results.json');
    rmSync(file, { force: true });
    const { status } = spawnSync('npm', ['run', '--silent', task], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, NINES_RESULTS_FILE: file },
    });
    total = added(total, counted(file, status === 0));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const failure of total.failures) console.log(`failed: ${failure}`);
console.log(closingLine(total));
process.exitCode = total.failed > 0 || (isStrict && total.skipped > 0) ? 1 : 0;

/**
 * A task that ended without figures (set-up, interruption) is one failure.
 * @param {string} file
 * @param {boolean} exitedWell
 * @returns {import('./results.mjs').Counts}
 */
function counted(file, exitedWell) {
  try {
    const counts = JSON.parse(readFileSync(file, 'utf8'));
    if (counts.failed > 0 || exitedWell) return counts;
    return { ...counts, failed: 1, failures: ['a task ended badly although its tests passed'] };
  } catch {
    return { ...NOTHING, failed: 1, failures: ['a task ended without figures'] };
  }
}
