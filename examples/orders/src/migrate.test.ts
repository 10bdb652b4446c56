import { join } from 'node:path';
import { IDEMPOTENCY_TABLE } from '@nines/runtime';
import { expect, test } from 'vitest';
import { type Migration, pendingMigrations, readMigrations } from './migrate.ts';
import { seedProducts } from './seed.ts';

const migration = (name: string, checksum = name): Migration => ({ name, sql: '', checksum });

test('runs what is new, in order', () => {
  const all = [migration('001.sql'), migration('002.sql'), migration('003.sql')];
  expect(pendingMigrations(all, [{ name: '001.sql', checksum: '001.sql' }]).map(({ name }) => name)).toEqual(['002.sql', '003.sql']);
});

test('refuses a file that was changed after it ran', () => {
  expect(() => pendingMigrations([migration('001.sql', 'new')], [{ name: '001.sql', checksum: 'old' }])).toThrow('001.sql has run');
});

test('an older release beside a newer schema runs nothing', () => {
  const applied = [
    { name: '001.sql', checksum: '001.sql' },
    { name: '002.sql', checksum: '002.sql' },
  ];
  expect(pendingMigrations([migration('001.sql')], applied)).toEqual([]);
});

test('the folder of migrations is read in order of name', () => {
  const names = readMigrations(join(import.meta.dirname, '..', 'migrations')).map(({ name }) => name);
  expect(names[0]).toBe('001_schema.sql');
  expect(names).toEqual(names.toSorted());
});

test('the table of the idempotency keys is the one that the library works with', () => {
  const sql = readMigrations(join(import.meta.dirname, '..', 'migrations')).map((each) => each.sql);
  expect(sql.join('\n')).toContain(IDEMPOTENCY_TABLE);
});

test('the seed is forty different products, the same every time', () => {
  const products = seedProducts();
  expect(products).toEqual(seedProducts());
  expect(new Set(products.map(({ sku }) => sku)).size).toBe(40);
});
