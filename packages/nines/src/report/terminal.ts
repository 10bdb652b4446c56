/** A report as text for a terminal. Pure. */
import { limitsInWords } from './limits.ts';
import type { DemoReport, StepReport, Verdict } from './report.ts';
import { count, counted, duration, recovery } from './words.ts';

const HEAD = ['step', 'requests', 'failed', 'first try', 'longest gap', 'reads', 'writes', 'recovered', 'p50', 'p99', 'limits', ''];
const COLOURS: Record<Verdict, string> = { passed: '32', failed: '31', undecided: '33' };

export function terminalReport(report: DemoReport, coloured: boolean): string {
  const paint = (text: string, code: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
  const verdictWord = (verdict: Verdict) => paint(verdict, COLOURS[verdict]);
  const shown = [report.baseline, ...report.steps];
  const rows = shown.map(cells);
  const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('  ');
  const table = [
    paint(line(HEAD).trimEnd(), '1'),
    widths
      .slice(0, -1)
      .map((width) => '─'.repeat(width))
      .join('  '),
    ...rows.map((row, index) => `${line(row)}${verdictWord(shown[index]?.verdict ?? 'undecided')}`),
  ];
  const orders = `${counted(report.ackedOrders, 'acknowledged order')}: ${count(report.lostOrders)} lost, ${count(report.duplicatedOrders)} duplicated, ${count(report.orders.phantom)} that nobody placed`;
  return [
    ...table,
    '',
    `${counted(report.total.requests, 'request')} in all, ${count(report.total.failed)} failed, ${count(report.total.failedFirstTry - report.total.failed)} saved by the one retry`,
    orders,
    `client: late by ${duration(report.load.lag.p99Ms)} (p99), ${Math.round(report.load.cpu.share * 100)} % of a core`,
    '',
    ...report.findings.map((finding) => `${paint('✗', COLOURS[report.verdict])} ${finding}`),
    `verdict: ${verdictWord(report.verdict)}`,
  ].join('\n');
}

function cells(step: StepReport): string[] {
  return [
    step.title,
    count(step.requests),
    count(step.failed),
    count(step.failedFirstTry),
    duration(step.longestGapMs),
    duration(step.readGapMs),
    duration(step.writeGapMs),
    recovery(step.recoveredMs),
    duration(step.latency.p50Ms),
    duration(step.latency.p99Ms),
    limitsInWords(step.limits),
    '',
  ];
}

/** Words to the left, figures to the right. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 || column >= HEAD.length - 2 ? cell.padEnd(width) : cell.padStart(width);
}
