/**
 * Writes the figures of report/report.json into the README, between its markers: `node scripts/proven.ts` after
 * `npm run demo` on a quiet machine. No figure of that table is typed by hand.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoReport } from '../packages/nines/src/report/report.ts';

const ROOT = join(import.meta.dirname, '..');
const BLOCK = /(<!-- proven:begin[^>]*-->\n)[\s\S]*?(<!-- proven:end -->)/;

export function provenBlock(report: DemoReport): string {
  const rows = report.steps.map((step) =>
    [
      step.title,
      step.requests.toLocaleString('en'),
      step.failed,
      step.failedFirstTry,
      `${Math.round(step.readGapMs)} ms`,
      `${Math.round(step.writeGapMs)} ms`,
      `${Math.round(step.recoveredMs ?? Number.NaN)} ms`,
    ].join(' | '),
  );
  const { cpus, cpuModel, memoryBytes, kernel } = report.machine;
  const gib = Math.round(memoryBytes / 2 ** 30);
  return [
    '',
    `Measured by \`npm run demo\` on ${report.started.slice(0, 10)} (${cpus} cores of ${cpuModel}, ${gib} GiB, Linux ${kernel}), verdict: **${report.verdict}**.`,
    `Everything was up after ${(report.upMs / 1000).toFixed(1)} s.`,
    '',
    '| broken, under load | requests | failed | failed before the one retry | longest gap, reads | longest gap, writes | recovered after |',
    '|---|---:|---:|---:|---:|---:|---:|',
    ...rows.map((row) => `| ${row} |`),
    '',
    `Of ${report.ackedOrders.toLocaleString('en')} acknowledged orders ${report.lostOrders} were lost and ${report.duplicatedOrders} duplicated.`,
    '',
  ].join('\n');
}

if (import.meta.main) {
  const file = join(ROOT, 'README.md');
  const readme = await readFile(file, 'utf8');
  const report = JSON.parse(await readFile(join(ROOT, 'report/report.json'), 'utf8')) as DemoReport;
  if (!BLOCK.test(readme)) throw new Error('README.md has no block between proven:begin and proven:end');
  await writeFile(
    file,
    readme.replace(BLOCK, (_, begin: string, end: string) => `${begin}${provenBlock(report)}${end}`),
  );
}
