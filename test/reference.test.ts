import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../packages/nines/src/errors/errors.ts';
import type { DemoReport } from '../packages/nines/src/report/report.ts';
import { provenBlock } from '../scripts/proven.ts';
import { references } from '../scripts/reference.ts';

const ROOT = join(import.meta.dirname, '..');

describe('the proven figures of the README', () => {
  it('stand between the markers, whatever was measured last', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const [, block = ''] = /<!-- proven:begin[^>]*-->\n([\s\S]*?)<!-- proven:end -->/.exec(readme) ?? [];
    const step = { title: 'kill', requests: 1234, failed: 0, failedFirstTry: 2, readGapMs: 1.4, writeGapMs: 2.6, recoveredMs: 0 };
    const report = {
      started: '2026-01-02T00:00:00Z',
      machine: { cpus: 2, cpuModel: 'x', memoryBytes: 2 ** 32, kernel: '6' },
      verdict: 'passed',
      upMs: 9_500,
      steps: [step],
      ackedOrders: 1,
      lostOrders: 0,
      duplicatedOrders: 0,
    };
    const heading = provenBlock(report as unknown as DemoReport)
      .split('\n')
      .find((line) => line.startsWith('| broken'));
    expect(block).toContain(heading);
    expect(provenBlock(report as unknown as DemoReport)).toContain('| kill | 1,234 | 0 | 2 | 1 ms | 3 ms | 0 ms |');
  });
});

describe('reference pages', () => {
  it.each(Object.entries(references()))('%s is what the code says (else: node scripts/reference.ts)', async (path, text) => {
    expect(await readFile(join(ROOT, path), 'utf8')).toBe(text);
  });

  it('errors.md lists exactly the registry', async () => {
    const page = await readFile(join(ROOT, 'docs/reference/errors.md'), 'utf8');
    expect(page.match(/\bE_[A-Z_]+/g)?.sort()).toEqual(Object.keys(ERRORS).sort());
  });

  it('every option has a sentence, what is allowed, and a default or must be given', () => {
    const page = references()['docs/reference/topology.md'] ?? '';
    const rows = page.split('\n').filter((line) => line.startsWith('| `') && line.split(/(?<!\\)\|/).length === 7);
    expect(rows.length).toBeGreaterThan(50);
    for (const row of rows) {
      const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
      expect(cells.slice(1, 5), row).not.toContain('');
    }
  });
});
