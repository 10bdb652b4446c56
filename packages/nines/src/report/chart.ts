/** The timeline as SVG: answers and failures per 100 ms above, latency below, faults as lines. Pure. */
import type { TimelineSlot } from '../load/timeline.ts';
import { escaped } from './escape.ts';
import { duration } from './words.ts';

export interface ChartBand {
  label: string;
  fromMs: number;
  untilMs: number;
}

export interface ChartFault {
  label: string;
  atMs: number;
}

export interface ChartOptions {
  slots: readonly TimelineSlot[];
  fromMs: number;
  untilMs: number;
  bands: readonly ChartBand[];
  faults: readonly ChartFault[];
  /** What the schedule asks for in one slot; the scale is made for it. */
  scheduledPerSlot: number;
  /** Read aloud in place of the picture. */
  description: string;
}

const SLOT_MS = 100;
const WIDTH = 1120;
const LEFT = 54;
const RIGHT = 8;
const TOP = 34;
const FLOW_HEIGHT = 120;
const GAP = 22;
const LATENCY_HEIGHT = 96;
const FLOOR = TOP + FLOW_HEIGHT + GAP + LATENCY_HEIGHT;
const HEIGHT = FLOOR + 22;
/** Latency is drawn from 1 ms to 4 s, logarithmic: both a quick answer and a deadline have room. */
const LATENCY_DECADES = Math.log10(4000);
const LATENCY_LINES = [1, 10, 100, 1000];
/** All that waited for an outage is answered at once after it: such a peak is cut off here, in slots as scheduled. */
const HIGHEST_PEAK = 3;
const LOWEST_PEAK = 1.3;
const TICKS_MS = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000];

export function chart(options: ChartOptions): string {
  const { fromMs, untilMs, slots } = options;
  const x = (timeMs: number) => LEFT + ((timeMs - fromMs) / (untilMs - fromMs)) * (WIDTH - LEFT - RIGHT);
  const shown = slots.filter((slot) => slot.atMs >= fromMs && slot.atMs + SLOT_MS <= untilMs);
  const slotWidth = x(fromMs + SLOT_MS) - x(fromMs);
  return [
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(options.description)}">`,
    ...options.bands.map((band) => bandOf(band, x)),
    ...flow(shown, options.scheduledPerSlot, x, slotWidth),
    ...latency(shown, x, slotWidth),
    ...timeAxis(fromMs, untilMs, x),
    ...options.faults.map((fault) => faultOf(fault, x)),
    '</svg>',
  ].join('\n');
}

function bandOf({ label, fromMs, untilMs }: ChartBand, x: (timeMs: number) => number): string {
  const width = x(untilMs) - x(fromMs);
  return `<rect class="band" x="${at(x(fromMs))}" y="${TOP}" width="${at(width)}" height="${FLOOR - TOP}" rx="3"/><text class="band-label" x="${at(x(fromMs) + width / 2)}" y="13">${escaped(label)}</text>`;
}

function faultOf({ label, atMs }: ChartFault, x: (timeMs: number) => number): string {
  return `<line class="fault" x1="${at(x(atMs))}" x2="${at(x(atMs))}" y1="${TOP - 4}" y2="${FLOOR}"/><text class="fault-label" x="${at(x(atMs))}" y="${TOP - 8}">${escaped(label)}</text>`;
}

function flow(slots: readonly TimelineSlot[], scheduled: number, x: (timeMs: number) => number, width: number): string[] {
  const bottom = TOP + FLOW_HEIGHT;
  const peak = slots.reduce((most, slot) => Math.max(most, slot.ok, slot.failed, slot.retried), 0);
  const highest = scheduled * Math.min(HIGHEST_PEAK, Math.max(LOWEST_PEAK, (peak / scheduled) * 1.1));
  const height = (value: number) => (Math.min(value, highest) / highest) * FLOW_HEIGHT;
  const bars = (kind: 'ok' | 'retried' | 'failed', words: string) =>
    slots
      .filter((slot) => slot[kind] > 0)
      .map(
        (slot) =>
          `<rect class="${kind}" x="${at(x(slot.atMs))}" y="${at(bottom - height(slot[kind]))}" width="${at(Math.max(1, width))}" height="${at(height(slot[kind]))}"><title>${seconds(slot.atMs)}: ${slot[kind]} ${words}</title></rect>`,
      );
  const level = bottom - height(scheduled);
  return [
    `<text class="axis-name" x="${LEFT}" y="${TOP + 11}" dx="6">answers per 100 ms</text>`,
    ...bars('ok', 'answered well'),
    ...bars('retried', 'saved by their retry'),
    ...bars('failed', 'failed'),
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}"/>`,
    `<line class="scheduled" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(level)}" y2="${at(level)}"/>`,
    `<text class="tick end" x="${LEFT - 6}" y="${at(level + 4)}">${Math.round(scheduled)}</text>`,
    `<text class="tick end" x="${LEFT - 6}" y="${bottom + 4}">0</text>`,
  ];
}

function latency(slots: readonly TimelineSlot[], x: (timeMs: number) => number, width: number): string[] {
  const y = (valueMs: number) => FLOOR - (Math.log10(Math.min(4000, Math.max(1, valueMs))) / LATENCY_DECADES) * LATENCY_HEIGHT;
  const lines = LATENCY_LINES.flatMap((valueMs) => [
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(valueMs))}" y2="${at(y(valueMs))}"/>`,
    `<text class="tick end" x="${LEFT - 6}" y="${at(y(valueMs) + 4)}">${duration(valueMs)}</text>`,
  ]);
  const points = slots.flatMap((slot) => {
    if (slot.p50Ms === null || slot.maxMs === null) return [];
    const centre = at(x(slot.atMs) + width / 2);
    return `<line class="spread" x1="${centre}" x2="${centre}" y1="${at(y(slot.p50Ms))}" y2="${at(y(slot.maxMs))}" stroke-width="${at(Math.max(0.6, width * 0.6))}"><title>${seconds(slot.atMs)}: median ${duration(slot.p50Ms)}, slowest ${duration(slot.maxMs)}</title></line>`;
  });
  const medians = answered(slots).map((run) => {
    const corners = run.map((slot) => `${at(x(slot.atMs) + width / 2)},${at(y(slot.p50Ms ?? 1))}`);
    return `<polyline class="median" points="${corners.join(' ')}"/>`;
  });
  return [
    `<text class="axis-name" x="${LEFT}" y="${TOP + FLOW_HEIGHT + GAP - 7}" dx="6">latency: median to slowest</text>`,
    ...lines,
    ...points,
    ...medians,
  ];
}

/** Runs of neighbouring slots with answers: a line through a time without any would claim some. */
function answered(slots: readonly TimelineSlot[]): TimelineSlot[][] {
  const runs: TimelineSlot[][] = [];
  let before: TimelineSlot | undefined;
  for (const slot of slots) {
    if (slot.p50Ms !== null) {
      if (before?.p50Ms === null || before === undefined) runs.push([]);
      runs.at(-1)?.push(slot);
    }
    before = slot;
  }
  return runs;
}

function timeAxis(fromMs: number, untilMs: number, x: (timeMs: number) => number): string[] {
  const stepMs = TICKS_MS.find((tickMs) => (untilMs - fromMs) / tickMs <= 16) ?? 120_000;
  const marks: string[] = [];
  for (let timeMs = Math.ceil(fromMs / stepMs) * stepMs; timeMs <= untilMs; timeMs += stepMs) {
    const anchor = x(timeMs) > WIDTH - 30 ? ' end' : '';
    marks.push(`<text class="tick${anchor}" x="${at(x(timeMs))}" y="${HEIGHT - 6}">${timeMs / 1000} s</text>`);
  }
  return marks;
}

function seconds(timeMs: number): string {
  return `${(timeMs / 1000).toFixed(1)} s`;
}

/** A tenth of a unit is finer than a pixel, and keeps the file small. */
function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
