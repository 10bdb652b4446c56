/**
 * The latency relay: a process in the fabric's namespace, running while a latency fault is on.
 * usage: relay-process.ts FOLDER TAP_FD
 * Frames that the rules divert come out of the TAP device and go back in, late; the bridge delivers them.
 * It reads FOLDER/relay-table.json at start and on SIGHUP and says so in FOLDER/relay-state.json.
 * By a table without delays it delivers what it holds, then ends, unless another table comes first.
 */
import { readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DelayLine } from './delay-line.ts';
import { FrameRing } from './frame-ring.ts';
import type { RelayTable } from './relay.ts';

/** A timer may fire a millisecond late; the last stretch is polled, or every delay would be a millisecond too long. */
const POLLED_MS = 1.2;

const [folder = '', tapText = ''] = process.argv.slice(-2);
const tap = Number(tapText);
const line = new DelayLine();
const ring = new FrameRing();
let table: RelayTable = { revision: -1, delays: {} };
let waiting = false;
let ending = false;

function load(): void {
  table = JSON.parse(readFileSync(join(folder, 'relay-table.json'), 'utf8')) as RelayTable;
  ending = Object.keys(table.delays).length === 0;
  const state = join(folder, 'relay-state.json');
  writeFileSync(`${state}.new`, JSON.stringify({ revision: table.revision }));
  renameSync(`${state}.new`, state);
}

/** Takes what has come; the ring wakes us when more comes. */
function receive(): void {
  for (let arrived = ring.take(); arrived !== null; arrived = ring.take()) {
    const { frame, atMs } = arrived;
    const pair = `${macAt(frame, 6)}>${macAt(frame, 0)}`;
    line.hold(pair, frame, atMs, table.delays[pair] ?? 0);
  }
  if (!waiting) deliver();
}

function deliver(): void {
  waiting = false;
  for (const frame of line.due(nowMs())) send(frame);
  const nextMs = line.nextDueMs();
  if (nextMs === null) {
    if (ending) end();
    return;
  }
  waiting = true;
  const leftMs = nextMs - nowMs();
  if (leftMs > POLLED_MS) setTimeout(deliver, leftMs - 1);
  else setImmediate(deliver);
}

/** The clock of the reading thread too: each thread's performance.now() counts from its own start. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
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

process.on('SIGHUP', () => {
  load();
  if (!waiting) deliver();
});
load();
receive();
const reader = new Worker(new URL(`./relay-reader-main${extname(import.meta.url)}`, import.meta.url), {
  workerData: { tap, memory: ring.memory },
});
reader.on('message', receive);
