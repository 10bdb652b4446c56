/** `index.html`: one file for a manager and an engineer, who both begin at the top. Pure. */
import { chart } from './chart.ts';
import { escaped } from './escape.ts';
import { STYLE } from './html-style.ts';
import { howMeasured } from './html-method.ts';
import { limitsInWords } from './limits.ts';
import type { DemoReport, StepReport, Verdict } from './report.ts';
import { count, counted, duration, recovery } from './words.ts';

const WORD: Record<Verdict, string> = { passed: 'Passed', failed: 'Failed', undecided: 'Undecided' };
const SLOT_MS = 100;

export function htmlReport(report: DemoReport): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nines: ${WORD[report.verdict]} · ${escaped(report.topology.name)} · ${escaped(report.started.slice(0, 10))}</title>
<style>${STYLE}</style>
</head>
<body><main>
<h1>Nines · ${escaped(report.topology.name)} <span class="quiet">${escaped(report.started.slice(0, 19).replace('T', ' '))} UTC</span></h1>
${verdictCard(report)}
<h2>What was broken, and what clients felt</h2>
<div class="card scroll">${stepTable(report.steps)}</div>
<h2>The whole run</h2>
<div class="card"><div class="scroll">${wholeChart(report)}</div>${LEGEND}</div>
<h2>Step by step</h2>
${report.steps.map((step, index) => stepCard(report, step, index)).join('\n')}
<h2>What ran where</h2>
${zones(report)}
<h2>How it was measured</h2>
${howMeasured(report)}
</main></body>
</html>
`;
}

function verdictCard(report: DemoReport): string {
  const { total, load, orders } = report;
  const broken = counted(report.steps.length, 'thing was', 'things were');
  const saved = total.failedFirstTry - total.failed;
  return `<section class="card verdict ${report.verdict}">
<strong class="word">${WORD[report.verdict]}</strong>
<p>While ${count(load.ratePerSecond)} requests came in every second for ${duration(load.durationMs)}, ${broken} broken on purpose.
${escaped(outcome(report))}${report.verdict === 'passed' ? ' Every limit was kept.' : ''}</p>
${findings(report.findings)}
<div class="figures">
<div><b>${count(total.requests)}</b>requests</div>
<div><b>${count(total.failed)}</b>failed</div>
<div><b>${count(saved)}</b>saved by the client's one retry</div>
<div><b>${count(report.ackedOrders)}</b>orders confirmed to customers</div>
<div><b>${count(report.lostOrders)}</b>of them lost</div>
<div><b>${count(report.duplicatedOrders)}</b>made twice</div>
</div>
${findings(orders.anomalies)}
</section>`;
}

function outcome({ total, orders, ackedOrders, lostOrders, duplicatedOrders }: DemoReport): string {
  const failed = total.failed === 0 ? 'No request failed.' : `${counted(total.failed, 'request')} of ${count(total.requests)} failed.`;
  if (orders.verdict === 'unknown') return `${failed} Whether every confirmed order is there could not be decided: ${orders.reason}.`;
  if (orders.verdict === 'valid')
    return `${failed} Every one of the ${count(ackedOrders)} orders confirmed to customers is there exactly once.`;
  return `${failed} Orders confirmed to customers: ${count(ackedOrders)}, of which ${count(lostOrders)} lost and ${count(duplicatedOrders)} made twice; ${count(orders.phantom)} exist that nobody placed.`;
}

function findings(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `<ul class="findings">${lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`;
}

function stepTable(steps: readonly StepReport[]): string {
  const rows = steps.map((step, index) => {
    const { limits } = step;
    const isMissed = (missed: boolean) => (missed ? ' class="missed"' : '');
    const failedMissed = limits.failed !== undefined && step.failed > limits.failed;
    const recoveryMissed = limits.recoveredMs !== undefined && (step.recoveredMs ?? Number.POSITIVE_INFINITY) > limits.recoveredMs;
    return `<tr><td>${index + 1}. ${escaped(step.title)}</td><td>${count(step.requests)}</td><td${isMissed(failedMissed)}>${count(step.failed)}</td>
<td>${count(step.failedFirstTry)}</td><td>${duration(step.longestGapMs)}</td><td>${duration(step.readGapMs)}</td><td>${duration(step.writeGapMs)}</td>
<td${isMissed(recoveryMissed)}>${recovery(step.recoveredMs)}</td><td>${duration(step.latency.p50Ms)}</td><td>${duration(step.latency.p99Ms)}</td>
<td class="words">${escaped(limitsInWords(limits))}</td><td class="words">${chip(step.verdict)}</td></tr>`;
  });
  return `<table><thead><tr><th>step</th><th>requests</th><th>failed</th><th>failed<br>first try</th><th>longest<br>gap</th><th>reads</th><th>writes</th>
<th>recovered<br>after</th><th>p50</th><th>p99</th><th class="words">must keep</th><th class="words">verdict</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>`;
}

function chip(verdict: Verdict): string {
  return `<span class="chip ${verdict}">${WORD[verdict].toLowerCase()}</span>`;
}

const LEGEND = `<div class="legend"><span><i style="background:var(--ok)"></i>answered well, when the answer came</span>
<span><i style="background:var(--retried)"></i>saved by the retry, when the request was due</span><span><i style="background:var(--bad)"></i>failed, when the request was due</span>
<span>┄ what the schedule asks for (higher peaks are cut off)</span></div>`;

function wholeChart(report: DemoReport): string {
  return chart({
    slots: report.timeline,
    fromMs: 0,
    untilMs: Math.max(1000, report.load.durationMs),
    bands: report.steps.map((step, index) => ({ label: String(index + 1), fromMs: step.fromMs, untilMs: step.untilMs })),
    faults: report.steps.flatMap((step) => step.faults.map((fault) => ({ label: fault.name, atMs: fault.atMs }))),
    scheduledPerSlot: (report.load.ratePerSecond * SLOT_MS) / 1000,
    description: `Answers, failures and latency over the whole run of ${duration(report.load.durationMs)}`,
  });
}

function stepCard(report: DemoReport, step: StepReport, index: number): string {
  const recoveries = step.faults.map(
    (fault) =>
      `${fault.name} at ${(fault.atMs / 1000).toFixed(2)} s: ${fault.recoveredMs === null ? 'not recovered' : `recovered after ${duration(fault.recoveredMs)}`}`,
  );
  const causes = Object.entries(step.causes).map(([cause, times]) => `${cause} × ${count(times)}`);
  const picture = chart({
    slots: report.timeline,
    fromMs: step.fromMs,
    untilMs: Math.max(step.fromMs + 1000, step.untilMs),
    bands: [],
    faults: step.faults.map((fault) => ({ label: fault.name, atMs: fault.atMs })),
    scheduledPerSlot: (report.load.ratePerSecond * SLOT_MS) / 1000,
    description: `Answers, failures and latency of step ${index + 1}: ${step.title}`,
  });
  return `<section class="card step"><header><h3>${index + 1}. ${escaped(step.title)}</h3>${chip(step.verdict)}</header>
${findings(step.findings)}
<p class="quiet">${escaped([...step.proofs, ...recoveries].join(' · '))}</p>
<p class="quiet">${causes.length === 0 ? 'No attempt went wrong.' : `Attempts that went wrong: ${escaped(causes.join(', '))}.`}</p>
<div class="scroll">${picture}</div></section>`;
}

const FIRST_ROLE: Record<string, string> = { haproxy: 'address first', postgres: 'primary', redis: 'master first' };

function zones({ topology }: DemoReport): string {
  const cards = topology.zones.map(({ region, zone, hosts }) => {
    const parts = hosts.map(({ host, address, units }) => {
      const chips = units.map(({ name, engine, initialLeader }) => {
        const role = initialLeader ? FIRST_ROLE[engine] : undefined;
        return `<span class="unit${role === undefined ? '' : ' first'}">${escaped(name)}${role === undefined ? '' : ` · ${role}`}</span>`;
      });
      return `<p><b>${escaped(host)}</b> <span class="quiet">${escaped(address)}</span></p>${chips.join('')}`;
    });
    return `<div class="card"><h3>zone ${escaped(zone)} <span class="quiet">${escaped(region)}</span></h3>${parts.join('')}</div>`;
  });
  return `<div class="zones">${cards.join('\n')}</div><p class="quiet">Clients went to ${escaped(topology.target)}, the virtual address.</p>`;
}
