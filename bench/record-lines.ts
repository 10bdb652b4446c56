/** A file of records, one line of JSON each, written as soon as each is known: a later call goes on from there. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * The last line may be cut off by a machine that stopped: it is dropped from the file, or the next record would continue it.
 * @throws when another line cannot be read.
 */
export function readRecords<T>(file: string): T[] {
  const lines = readOrEmpty(file).split('\n');
  const rest = lines.pop();
  const records = lines.map((line) => JSON.parse(line) as T);
  if (rest !== '' && rest !== undefined) writeRecords(file, records);
  return records;
}

export function appendRecord(file: string, record: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, lineOf(record));
}

/** In place of whatever the file has. */
export function writeRecords(file: string, records: readonly unknown[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, records.map(lineOf).join(''));
  renameSync(`${file}.new`, file);
}

function lineOf(record: unknown): string {
  return `${JSON.stringify(record)}\n`;
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
