/** All that a run left behind -> the report. Pure. */
import type { LoadSettings, LoadSummary } from '../load/protocol.ts';
import { isDisturbed, isFailed, type RequestRecord } from '../load/record.ts';
import { stepFigures } from '../load/step-figures.ts';
import { timeline } from '../load/timeline.ts';
import type { DemoReport, StepReport } from '../report/report.ts';
import { judgeDemo, judgeStep } from '../report/verdict.ts';
import type { JudgedOrders } from './judge-orders.ts';
import type { PlayedSteps } from './play-steps.ts';
import type { PlayedStep } from './stage.ts';
import { BASELINE, type DemoStep } from './steps.ts';

export interface RunRemains {
  records: RequestRecord[];
  steps: readonly DemoStep[];
  played: PlayedSteps;
  orders: JudgedOrders;
  settings: LoadSettings;
  summary: LoadSummary;
  circumstances: Pick<DemoReport, 'topology' | 'versions' | 'machine' | 'started' | 'upMs' | 'tookMs'>;
}

export function buildReport(remains: RunRemains): DemoReport {
  const { records, settings, summary } = remains;
  const { played } = remains.played;
  const baseline = stepReport(BASELINE, remains.played.baseline, records);
  const steps = remains.steps.flatMap((step, index) => {
    const one = played[index];
    return one === undefined ? [] : [stepReport(step, one, records)];
  });
  const left = remains.steps.slice(played.length).map((step) => step.title);
  const judged = judgeDemo([baseline, ...steps], remains.orders.report, left.length === 0 ? null : `not run: ${left.join('; ')}`);
  const { verdict } = remains.orders;
  const { ratePerSecond, customers, contract } = settings;
  return {
    ...judged,
    steps,
    ackedOrders: verdict.acknowledged,
    lostOrders: verdict.lost.length,
    duplicatedOrders: verdict.duplicated.length,
    orders: remains.orders.report,
    baseline,
    total: {
      requests: records.length,
      keyedWrites: records.filter((record) => record.key !== null).length,
      failed: records.filter(isFailed).length,
      failedFirstTry: records.filter(isDisturbed).length,
    },
    load: { ...summary, ratePerSecond, customers, ...contract },
    timeline: timeline(records, summary.durationMs),
    ...remains.circumstances,
  };
}

function stepReport(step: DemoStep, played: PlayedStep, records: RequestRecord[]): StepReport {
  const figures = stepFigures(records, played.marks);
  const { name, title, limits } = step;
  const { fromMs, untilMs } = played.marks.window;
  const proofs = [...new Set(played.proofs)];
  return { name, title, ...figures, limits, ...judgeStep(figures, limits, played.unfinished), proofs, fromMs, untilMs };
}
