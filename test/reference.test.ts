import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../packages/nines/src/errors/errors.ts';
import { references } from '../scripts/reference.ts';

const ROOT = join(import.meta.dirname, '..');

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
