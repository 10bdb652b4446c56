/**
 * What runs on the hosts of the lab's own tests.
 *   agent                     starts an engine unless one runs, and notes its own pid in /run/agents
 *   engine                    TCP echo on 9000 and 9001, UDP echo on 9002
 *   tcp ADDRESS PORT COUNT    round trips on one connection; prints {outcome, rttMs}
 *   tcp-for ADDRESS PORT MS   round trips on one connection for so long; prints the slowest in rttMs
 *   udp ADDRESS PORT          one round trip
 *   write FILE SYNC           writes a file, with fsync when SYNC is 'sync'
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';

const TIMEOUT_MS = 700;
/** Of a connection that is held open: a change of the way may cost a packet, and TCP sends it again by and by. */
const HOLD_TIMEOUT_MS = 3_000;
const [mode, ...args] = process.argv.slice(2);

function answer(value: object): never {
  writeSync(1, JSON.stringify(value));
  process.exit(0);
}

function runAgent(): void {
  appendFileSync('/run/agents', `${process.pid}\n`);
  const enginePid = existsSync('/run/engine') ? Number(readFileSync('/run/engine', 'utf8')) : 0;
  if (enginePid === 0 || !existsSync(`/proc/${enginePid}`)) {
    const program = process.argv[1] ?? '';
    const engine = spawn(process.execPath, [program, 'engine'], { detached: true, stdio: 'inherit' });
    writeFileSync('/run/engine', String(engine.pid));
    engine.unref();
  }
  setInterval(() => undefined, 60_000);
}

function runEngine(): void {
  for (const port of [9000, 9001]) {
    createServer((socket) =>
      socket
        .setNoDelay()
        .on('error', () => socket.destroy())
        .pipe(socket),
    ).listen(port);
  }
  const udp = createSocket('udp4');
  udp.on('message', (message, from) => udp.send(message, from.port, from.address));
  udp.bind(9002);
}

/** After the time is over, and after what has come by then was read: a late process runs its timers first. */
function atDeadline(timeoutMs: number, act: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(act), timeoutMs);
}

/**
 * Round trips on one connection until `isOver`; prints what `shown` picks of them. Over after a time rather than a count
 * when it has to be open for so long: 400 round trips take 40 ms.
 */
function probeTcp(
  address: string,
  port: number,
  isOver: (count: number) => boolean,
  { shown = (all) => all, timeoutMs = TIMEOUT_MS }: { shown?: (rttMs: number[]) => number[]; timeoutMs?: number } = {},
): void {
  const rttMs: number[] = [];
  const give = (outcome: string | undefined) => answer({ outcome, rttMs: shown(rttMs) });
  const socket = connect(port, address).setNoDelay();
  let sentAt = 0;
  let steps = 0;
  const expectStep = () => {
    const before = steps;
    return atDeadline(timeoutMs, () => {
      if (steps === before) give('timeout');
    });
  };
  let timer = expectStep();
  const send = () => {
    steps += 1;
    clearTimeout(timer);
    timer = expectStep();
    sentAt = performance.now();
    socket.write('x');
  };
  socket.on('connect', send);
  socket.on('data', () => {
    rttMs.push(performance.now() - sentAt);
    if (isOver(rttMs.length)) give('ok');
    send();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => give(error.code));
}

/** The slowest alone: thousands of figures would not fit into the pipe at once. */
function holdTcp(address: string, port: number, durationMs: number): void {
  const startedAt = performance.now();
  const slowest = (rttMs: number[]) => [rttMs.reduce((left, right) => Math.max(left, right), 0)];
  probeTcp(address, port, () => performance.now() - startedAt > durationMs, { shown: slowest, timeoutMs: HOLD_TIMEOUT_MS });
}

function probeUdp(address: string, port: number): void {
  const socket = createSocket('udp4');
  atDeadline(TIMEOUT_MS, () => answer({ outcome: 'timeout' }));
  socket.on('message', () => answer({ outcome: 'ok' }));
  socket.send('x', port, address);
}

function write(file: string, sync: boolean): void {
  const handle = openSync(file, 'w');
  writeSync(handle, Buffer.alloc(64 * 1024, 'n'));
  if (sync) fsyncSync(handle);
  closeSync(handle);
  answer({ outcome: 'ok' });
}

if (mode === 'agent') runAgent();
if (mode === 'engine') runEngine();
if (mode === 'tcp') probeTcp(args[0] ?? '', Number(args[1]), (count) => count === Number(args[2]));
if (mode === 'tcp-for') holdTcp(args[0] ?? '', Number(args[1]), Number(args[2]));
if (mode === 'udp') probeUdp(args[0] ?? '', Number(args[1]));
if (mode === 'write') write(args[0] ?? '', args[1] === 'sync');
