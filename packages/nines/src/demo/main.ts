/** `npm run demo`. Exit 0: every limit held; 1: something missed; 2: wrong arguments; 3: the machine lacks something; 4: undecided. */
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Progress } from '../cli/terminal/progress.ts';
import { hasColours } from '../cli/terminal/style.ts';
import { EXIT, type ExitCode, NinesError } from '../errors/errors.ts';
import { labDemoSystem } from '../operations/lab-demo.ts';
import type { DemoReport } from '../report/report.ts';
import { terminalReport } from '../report/terminal.ts';
import { duration } from '../report/words.ts';
import { runDemo } from './run-demo.ts';
import { DEMO_STEPS } from './steps.ts';

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url));
const EXIT_OF = { passed: EXIT.good, failed: EXIT.failed, undecided: EXIT.undecided } as const;
/** Above the 300 requests a second that the demo promises, so that the mean of a whole run stays above it. */
const RATE_PER_SECOND = 310;
/** More customers than these would only measure this machine. */
const HIGHEST_RATE = 5000;

const USAGE = `usage: npm run demo -- [--config FILE] [--report FOLDER] [--rate REQUESTS_PER_SECOND] [--only STEP ...]
steps: ${DEMO_STEPS.map((step) => step.name).join(', ')}`;

interface Words {
  configFile: string;
  reportFolder: string;
  ratePerSecond: number;
  steps: typeof DEMO_STEPS;
}

function words(): Words {
  const { config, report, rate, only } = options();
  const unknown = only.find((name) => !DEMO_STEPS.some((step) => step.name === name));
  if (unknown !== undefined) throw new NinesError('E_USAGE', `there is no step '${unknown}'`, { hint: USAGE });
  const ratePerSecond = Number(rate);
  if (!(ratePerSecond >= 1 && ratePerSecond <= HIGHEST_RATE)) {
    throw new NinesError('E_USAGE', `--rate is '${rate}'; it is 1 to ${HIGHEST_RATE} requests a second`, { hint: USAGE });
  }
  return {
    configFile: resolve(config),
    reportFolder: resolve(report),
    ratePerSecond,
    steps: only.length === 0 ? DEMO_STEPS : DEMO_STEPS.filter((step) => only.includes(step.name)),
  };
}

function options() {
  try {
    return parseArgs({
      options: {
        config: { type: 'string', default: join(REPOSITORY, 'examples/orders/nines.config.ts') },
        report: { type: 'string', default: join(REPOSITORY, 'report') },
        rate: { type: 'string', default: String(RATE_PER_SECOND) },
        only: { type: 'string', multiple: true, default: [] },
      },
    }).values;
  } catch (error) {
    throw new NinesError('E_USAGE', error instanceof Error ? error.message : String(error), { hint: USAGE });
  }
}

function tell(report: DemoReport, reportFolder: string): void {
  process.stdout.write(`\n${terminalReport(report, hasColours(process.stdout, process.env))}\n`);
  process.stdout.write(`up in ${duration(report.upMs)}, all in ${duration(report.tookMs)}; `);
  process.stdout.write(`report: ${relative(process.cwd(), join(reportFolder, 'index.html'))}\n`);
}

async function main(): Promise<ExitCode> {
  const progress = new Progress();
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // Stays for good: a second Ctrl-C must not leave a half-removed system behind.
    process.on(signal, () => {
      if (interruption.signal.aborted) return;
      progress.note(`${signal}: stopping, and taking everything down`);
      const hint = 'Whether everything was taken down stands above.';
      interruption.abort(new NinesError('E_INTERRUPTED', `the demo was interrupted by ${signal}`, { hint }));
    });
  }
  try {
    const { configFile, ...chosen } = words();
    const report = await runDemo({ system: labDemoSystem(configFile), ...chosen, progress, signal: interruption.signal });
    progress.close();
    tell(report, chosen.reportFolder);
    return EXIT_OF[report.verdict];
  } catch (error) {
    progress.close();
    const known = error instanceof NinesError ? error : null;
    process.stderr.write(`${known?.code ?? 'error'}: ${error instanceof Error ? error.message : String(error)}\n`);
    if (known !== null) process.stderr.write(`${known.hint}\n`);
    return known?.exit ?? EXIT.failed;
  }
}

process.exitCode = await main();
