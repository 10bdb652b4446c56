/** A lab of three zones for the lab's own tests, and an independent look at what it leaves on the machine. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bootHost, createLab, destroyLab, execOnHost, type Lab, listLabs } from '../../packages/nines/src/lab/index.ts';

const PROGRAM_FILE = fileURLToPath(new URL('./lab-host-program.ts', import.meta.url));
export const PROGRAM = '/run/nines/program.ts';
export const BOOT = {
  argv: [process.execPath, PROGRAM, 'agent'],
  env: {},
  mounts: [{ source: PROGRAM_FILE, target: PROGRAM, readOnly: true }],
};
export const HOSTS = {
  a1: { zone: 'a', address: null },
  b1: { zone: 'b', address: null },
  c1: { zone: 'c', address: null },
};

export interface Probe {
  /** 'ok', 'timeout' (nothing came back), or the error's code. */
  outcome: string;
  rttMs: number[];
}

export function testSignal(): AbortSignal {
  return AbortSignal.timeout(60_000);
}

export function noLog(): void {}

export function newLabsDir(): string {
  return mkdtempSync(join(tmpdir(), 'nines-labs-'));
}

/** Destroys every lab of the folder, and the folder. */
export async function removeLabs(labsDir: string): Promise<void> {
  for (const { name } of await listLabs(labsDir)) await destroyLab(labsDir, name, { signal: testSignal(), log: noLog });
  rmSync(labsDir, { recursive: true, force: true });
}

/** Boots all hosts of a new lab and waits until their engines answer. */
export async function startLab(labsDir: string, name: string): Promise<Lab> {
  const lab = await createLab({ name, labsDir, hosts: HOSTS, diskBytes: 256 * 2 ** 20, signal: testSignal(), log: noLog });
  await Promise.all(Object.keys(lab.hosts).map((host) => bootHost(lab, host, { ...BOOT, signal: testSignal() })));
  for (const host of Object.keys(lab.hosts)) await untilEngineAnswers(lab, host);
  return lab;
}

export async function untilEngineAnswers(lab: Lab, host: string): Promise<void> {
  await untilReaches(lab, host, '127.0.0.1');
}

/** Runs the host program on a host. */
export async function onHost(lab: Lab, host: string, ...args: string[]): Promise<Probe> {
  const argv = [process.execPath, PROGRAM, ...args];
  const { stdout, stderr } = await execOnHost(lab, host, argv, { signal: testSignal(), timeoutMs: 10_000 });
  if (stdout === '') throw new Error(`no answer from the program: ${stderr}`);
  return JSON.parse(stdout) as Probe;
}

export function tcp(lab: Lab, from: string, address: string, port = 9000, count = 1): Promise<Probe> {
  return onHost(lab, from, 'tcp', address, String(port), String(count));
}

/** For where the way is open: a probe that was held up for its 0.7 s is made again. */
export async function untilReaches(lab: Lab, from: string, address: string, port = 9000): Promise<void> {
  await until(`${from} reaches ${address}:${port}`, async () => (await tcp(lab, from, address, port)).outcome === 'ok');
}

export function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export async function until(what: string, condition: () => Promise<boolean> | boolean, limitMs = 20_000): Promise<number> {
  const startedAt = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedAt > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await delay(5);
  }
  return performance.now() - startedAt;
}

/** Runs a tool of the machine; gives back what it printed. */
export function tool(file: string, ...argv: string[]): string {
  return execFileSync(file, argv, { encoding: 'utf8' });
}

/** Everything on the machine that carries the lab's id or folder, found without the lab's own code. */
export function traces(lab: Lab): string[] {
  const marks = [`nines-${lab.id}`, lab.dir];
  const marked = (text: string) => marks.some((mark) => text.includes(mark));
  const lines = (file: string, ...argv: string[]) =>
    tool(file, ...argv)
      .split('\n')
      .filter(marked);
  const commandLines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => `process ${pid}: ${commandLine(pid)}`)
    .filter(marked);
  return [
    ...commandLines,
    ...lines('ip', 'netns', 'list'),
    ...lines('ip', '-o', 'link', 'show'),
    ...lines('ip', '-o', 'route', 'show', 'table', 'all'),
    ...lines('losetup', '--all'),
    ...readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter(marked),
  ];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It ended between the two looks.
    return '';
  }
}
