/** Figures and limits -> a verdict. Pure. */
import { whyUntrustworthy } from '../load/lag.ts';
import type { StepFigures } from '../load/step-figures.ts';
import type { OrdersReport, StepLimits, StepReport, Verdict } from './report.ts';
import { duration } from './words.ts';

/** A step without load shows nothing, however good it looks. */
const FEWEST_REQUESTS = 100;

export interface Judged {
  verdict: Verdict;
  findings: string[];
}

/**
 * A late client decides nothing: neither that a limit held nor that it was missed. `unfinished` is why the step was
 * cut short, if it was.
 */
export function judgeStep(figures: StepFigures, limits: StepLimits, unfinished: string | null): Judged {
  const missed = missedLimits(figures, limits);
  if (unfinished !== null) missed.push(unfinished);
  const late = whyUntrustworthy(figures.lag);
  if (late !== null) return { verdict: 'undecided', findings: [late, ...missed.map((finding) => `not certain: ${finding}`)] };
  if (missed.length > 0) return { verdict: 'failed', findings: missed };
  if (figures.requests < FEWEST_REQUESTS) {
    return { verdict: 'undecided', findings: [`only ${figures.requests} requests were made, which shows nothing`] };
  }
  return { verdict: 'passed', findings: [] };
}

function missedLimits(figures: StepFigures, limits: StepLimits): string[] {
  const missed: string[] = [];
  if (limits.failed !== undefined && figures.failed > limits.failed) {
    missed.push(`${figures.failed} requests failed (limit ${limits.failed})`);
  }
  if (limits.recoveredMs !== undefined) {
    const limit = `(limit ${duration(limits.recoveredMs)})`;
    if (figures.recoveredMs === null) missed.push(`it did not recover within the step ${limit}`);
    else if (figures.recoveredMs > limits.recoveredMs) missed.push(`it took ${duration(figures.recoveredMs)} to recover ${limit}`);
  }
  return missed;
}

/**
 * A failure anywhere is a failure; else what could not be decided, or was not run, stays undecided. `unplayed`: what
 * was not run, because the step before it (which has its own verdict) did not become steady.
 */
export function judgeDemo(steps: readonly StepReport[], orders: OrdersReport, unplayed: string | null): Judged {
  const findings = steps.flatMap((step) => step.findings.map((finding) => `${step.title}: ${finding}`));
  if (orders.verdict !== 'valid') findings.push(`orders: ${orders.reason}`);
  if (unplayed !== null) findings.push(unplayed);
  const verdicts = steps.map((step) => step.verdict);
  const failed = verdicts.includes('failed') || orders.verdict === 'invalid';
  if (failed) return { verdict: 'failed', findings };
  const undecided = verdicts.includes('undecided') || orders.verdict === 'unknown' || unplayed !== null || steps.length === 0;
  return { verdict: undecided ? 'undecided' : 'passed', findings };
}
