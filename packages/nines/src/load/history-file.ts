/** The history of a run on disk: NDJSON, one request per line, and marks between them. */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { type RequestRecord, recordLine } from './record.ts';

/** Lines waiting for the disk; above it the run fails instead of growing or forgetting. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

export interface HistoryWriter {
  record(record: RequestRecord): void;
  mark(name: string, atMs: number): void;
  close(): Promise<void>;
}

/** `onError` is called once, when the history can no longer be kept whole. */
export function openHistory(file: string, onError: (error: Error) => void): HistoryWriter {
  const stream = createWriteStream(file, { mode: 0o644 });
  let failed = false;
  let piece = '';
  const fail = (error: Error) => {
    if (!failed) onError(error);
    failed = true;
  };
  stream.on('error', fail);
  const flush = () => {
    stream.write(piece);
    piece = '';
    if (stream.writableLength > MOST_WAITING_BYTES) fail(new Error(`the disk of ${file} is too slow for the history`));
  };
  const add = (line: string) => {
    if (failed) return;
    piece += line;
    if (piece.length >= PIECE_BYTES) flush();
  };
  return {
    record: (record) => add(recordLine(record)),
    mark: (name, atMs) => add(`${JSON.stringify({ mark: name, atMs })}\n`),
    close: async () => {
      if (failed) return;
      flush();
      stream.end();
      await finished(stream);
    },
  };
}

/** The requests of a history, in order of completion. Rejects when a line is no JSON. */
export async function readHistory(file: string): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    if (line === '') continue;
    const entry = JSON.parse(line) as RequestRecord | { mark: string };
    if (!('mark' in entry)) records.push(entry);
  }
  return records;
}
