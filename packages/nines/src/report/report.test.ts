import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chart } from './chart.ts';
import { escaped } from './escape.ts';
import { htmlReport } from './html.ts';
import { terminalReport } from './terminal.ts';
import { aReport, aStep } from './testing/reports.ts';
import { count, duration } from './words.ts';

describe('words', () => {
  it('writes durations as people do', () => {
    const written = [0, 0.04, 2.34, 9.97, 312.4, 999.4, 999.6, 1842, 9996, 12_340, 59_990, 59_996, 125_000].map(duration);
    expect(written).toEqual([
      '0 ms',
      '0 ms',
      '2.3 ms',
      '10 ms',
      '312 ms',
      '999 ms',
      '1 s',
      '1.84 s',
      '10 s',
      '12.3 s',
      '60 s',
      '1 min',
      '2 min 5 s',
    ]);
  });

  it('groups digits without losing one', () => {
    fc.assert(
      fc.property(fc.nat(), (value) => {
        expect(count(value).replaceAll(',', '')).toBe(String(value));
        expect(count(value)).toMatch(/^\d{1,3}(,\d{3})*$/);
      }),
    );
  });
});

describe('the terminal report', () => {
  it('is aligned, and coloured only when asked', () => {
    const report = aReport({ steps: [aStep(), aStep({ title: 'short', verdict: 'failed', requests: 1_234_567 })] });
    const [head, rule, , first, second] = terminalReport(report, false).split('\n') as [string, string, string, string, string];
    const end = (line: string, word: string) => line.indexOf(word) + word.length;
    expect(end(head, 'requests')).toBe(end(second, '1,234,567'));
    expect(first.lastIndexOf('passed')).toBe(second.lastIndexOf('failed'));
    expect(rule).toMatch(/^[─ ]+$/);
    const coloured = terminalReport(report, true);
    expect(coloured).toContain('\u001b[31mfailed');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(terminalReport(report, false));
  });

  it('says what missed, and that a step never recovered', () => {
    const steps = [aStep({ verdict: 'failed', recoveredMs: null })];
    const text = terminalReport(aReport({ verdict: 'failed', findings: ['it did not recover'], steps }), false);
    expect(text).toContain('not yet');
    expect(text).toContain('✗ it did not recover');
    expect(text).toMatch(/verdict: failed$/);
  });
});

describe('the HTML report', () => {
  it('lets no word of the system become markup', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(escaped(text)).not.toMatch(/[<>"']/);
      }),
    );
    const evil = '<script>alert(1)</script>';
    const page = htmlReport(
      aReport({
        findings: [evil],
        versions: { [evil]: evil },
        steps: [
          aStep({
            title: evil,
            findings: [evil],
            proofs: [evil],
            faults: [{ name: evil, atMs: 3000, recoveredMs: 0 }],
            causes: { [evil]: 1 },
          }),
        ],
        topology: {
          name: evil,
          target: evil,
          zones: [
            {
              region: evil,
              zone: evil,
              hosts: [{ host: evil, address: evil, units: [{ name: evil, engine: evil, initialLeader: false }] }],
            },
          ],
        },
      }),
    );
    expect(page).not.toContain('<script');
  });

  it('closes every element that it opens', () => {
    const page = htmlReport(aReport({ findings: ['one'], verdict: 'failed' }));
    const open: string[] = [];
    for (const [, slash, element = '', own] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*?(\/?)>/g)) {
      if (slash === '/') expect(open.pop()).toBe(element);
      else if (own === '' && !['meta', 'br'].includes(element)) open.push(element);
    }
    expect(open).toEqual([]);
    expect(page).not.toContain('NaN');
    expect(page).not.toContain('undefined');
  });
});

describe('chart', () => {
  it('draws numbers only, also of nothing', () => {
    for (const slots of [[], aReport().timeline]) {
      const svg = chart({ slots, fromMs: 0, untilMs: 10_000, bands: [], faults: [], scheduledPerSlot: 10, description: 'x' });
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it('draws no median through a time without answers', () => {
    const slots = aReport().timeline.map((slot) =>
      slot.atMs >= 4000 && slot.atMs < 5000 ? { ...slot, ok: 0, p50Ms: null, maxMs: null } : slot,
    );
    const svg = chart({ slots, fromMs: 0, untilMs: 10_000, bands: [], faults: [], scheduledPerSlot: 10, description: 'x' });
    expect(svg.match(/<polyline/g)).toHaveLength(2);
  });
});
