/**
 * The latency relay: a process in the fabric's namespace, running while a latency fault is on.
 * usage: relay-process.ts FOLDER TAP_FD
 * Frames that the rules divert come out of the TAP device and go back in, late; the bridge delivers them.
 * It reads FOLDER/relay-table.json at start and on SIGHUP and says so in FOLDER/relay-state.json.
 * SIGTERM: it delivers what it holds, then ends, unless SIGHUP comes first.
 */
import { read, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DelayLine } from './delay-line.ts';
import type { RelayTable } from './relay.ts';

const FRAME_BYTES = 2048;
/** A timer may fire a millisecond late; the last stretch is polled, or every delay would be a millisecond too long. */
const POLLED_MS = 1.2;

const [folder = '', tapText = ''] = process.argv.slice(-2);
const tap = Number(tapText);
const line = new DelayLine();
let table: RelayTable = { revision: -1, delays: {} };
let waiting = false;
let ending = false;

function load(): void {
  ending = false;
  table = JSON.parse(readFileSync(join(folder, 'relay-table.json'), 'utf8')) as RelayTable;
  const state = join(folder, 'relay-state.json');
  writeFileSync(`${state}.new`, JSON.stringify({ revision: table.revision }));
  renameSync(`${state}.new`, state);
}

function receive(): void {
  const buffer = Buffer.allocUnsafe(FRAME_BYTES);
  read(tap, buffer, 0, FRAME_BYTES, null, (error, bytes) => {
    if (error !== null) throw error;
    const frame = buffer.subarray(0, bytes);
    const pair = `${macAt(frame, 6)}>${macAt(frame, 0)}`;
    line.hold(pair, frame, performance.now(), table.delays[pair] ?? 0);
    if (!waiting) deliver();
    receive();
  });
}

function deliver(): void {
  waiting = false;
  for (const frame of line.due(performance.now())) send(frame);
  const nextMs = line.nextDueMs();
  if (nextMs === null) {
    if (ending) end();
    return;
  }
  waiting = true;
  const leftMs = nextMs - performance.now();
  if (leftMs > POLLED_MS) setTimeout(deliver, leftMs - 1);
  else setImmediate(deliver);
}

/** A frame that the kernel cannot take now is lost, as on any link. */
function send(frame: Uint8Array): void {
  try {
    writeSync(tap, frame);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EIO' && code !== 'ENOBUFS' && code !== 'ENOMEM' && code !== 'EAGAIN') throw error;
  }
}

/** An exit would wait for the thread that is blocked in reading the device. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

function macAt(frame: Uint8Array, offset: number): string {
  let text = '';
  for (let index = offset; index < offset + 6; index += 1) {
    if (index > offset) text += ':';
    text += (frame[index] ?? 0).toString(16).padStart(2, '0');
  }
  return text;
}

process.on('SIGHUP', load);
process.on('SIGTERM', () => {
  ending = true;
  if (!waiting) deliver();
});
load();
receive();
