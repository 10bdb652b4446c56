import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { NinesError } from '../errors/errors.ts';
import type { HostName } from '../topology/topology.ts';
import { makeHostNetwork } from './fabric.ts';
import { applyNetworkFaults } from './faults/apply-network-faults.ts';
import type { BootOptions, Lab, LabHost, LabMount, ProcessIdentity, WaitOptions } from './lab.ts';
import { withHostLock } from './lock.ts';
import { NETNS_FOLDER } from './machine.ts';
import { firstChild, isAlive, processStat, sendSignal } from './processes.ts';
import { hostOf, updateRecord, withHost } from './record.ts';
import { environmentFor } from './run-command.ts';

const INIT_FILE = fileURLToPath(new URL('./host-init.sh', import.meta.url));
const BOOT_TIMEOUT_MS = 10_000;
/** Everything that makes a host: its processes see only each other, their own mounts and the host's own name. */
const NAMESPACES = ['--mount', '--ipc', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];

/**
 * Boots a host that is off: its disk, a fresh /run and /dev/shm, the mounts, and `argv` running for ever.
 * It lives on when this process ends. What it prints goes to `<lab.dir>/hosts/<host>/console.log`.
 * @throws NinesError E_USAGE (no such host, it is on already, a mount outside /run), E_START_TIMEOUT, E_LAB_COMMAND,
 * E_INTERRUPTED
 */
export async function bootHost(lab: Lab, hostName: HostName, options: BootOptions & WaitOptions): Promise<Lab> {
  const { argv, env, mounts, signal } = options;
  mounts.forEach(checkMount);
  return await withHostLock(lab.dir, hostName, signal, () => bootLocked(lab.dir, hostName, { argv, env, mounts }, signal));
}

/** Boots a host as it was booted before. Needs the host's lock. */
export async function bootLocked(dir: string, name: HostName, boot: BootOptions, signal: AbortSignal): Promise<Lab> {
  const prepared = await updateRecord(dir, signal, async (lab) => {
    const host = hostOf(lab, name);
    if (await isAlive(host.init)) throw new NinesError('E_USAGE', `The host '${name}' is on already.`);
    await makeHostNetwork(lab, host, { signal, env: environmentFor(lab) });
    return withHost(lab, name, { boot, init: null });
  });
  const init = await startInit(prepared, hostOf(prepared, name), boot, signal);
  try {
    return await updateRecord(dir, signal, async (lab) => {
      // Its port is new: the rules of faults that are on have to be bound to it again.
      const booted = withHost({ ...lab, faults: lab.faults.filter((fault) => !endsWithBoot(fault, name)) }, name, { init });
      return await applyNetworkFaults(booted, signal);
    });
  } catch (error) {
    await sendSignal(init, 'SIGKILL');
    throw error;
  }
}

/** A freeze, or being off, ends when the host boots; cuts and latencies stay. */
function endsWithBoot(fault: Lab['faults'][number], hostName: HostName): boolean {
  return 'host' in fault && fault.host === hostName;
}

async function startInit(lab: Lab, host: LabHost, boot: BootOptions, signal: AbortSignal): Promise<ProcessIdentity> {
  const folder = join(lab.dir, 'hosts', host.name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const consoleFile = join(folder, 'console.log');
  const output = await open(consoleFile, 'a', 0o600);
  const child = spawn('nsenter', initArguments(lab, host, boot), {
    detached: true,
    cwd: '/',
    env: { ...environmentFor(lab), ...boot.env },
    stdio: ['ignore', output.fd, output.fd, 'pipe'],
  });
  const stop = AbortSignal.any([signal, AbortSignal.timeout(BOOT_TIMEOUT_MS)]);
  try {
    await saysReady(child.stdio[3] as Readable, stop, child);
    const init = child.pid === undefined ? null : await firstChild(child.pid);
    if (init === null) throw new NinesError('E_LAB_COMMAND', `The host '${host.name}' ended as soon as it was up.`);
    child.unref();
    return init;
  } catch (error) {
    const outer = child.pid === undefined ? null : await processStat(child.pid);
    if (outer !== null) await sendSignal(outer, 'SIGKILL');
    if (signal.aborted) throw new NinesError('E_INTERRUPTED', `The boot of '${host.name}' was interrupted.`);
    throw await bootError(host, consoleFile, stop.aborted, error);
  } finally {
    await output.close();
  }
}

function initArguments(lab: Lab, host: LabHost, boot: BootOptions): string[] {
  const staging = join(lab.dir, 'hosts', host.name, 'run');
  const mounts = boot.mounts.flatMap(({ source, target, readOnly }) => [source, target, readOnly ? 'ro' : 'rw']);
  const init = ['/bin/sh', INIT_FILE, host.name, host.diskFile, staging, String(boot.mounts.length), ...mounts];
  return [`--net=${join(NETNS_FOLDER, host.netns)}`, 'unshare', ...NAMESPACES, ...init, ...boot.argv];
}

/** Resolves when the pipe has said `ready`; rejects when it ends before, or on `stop`. */
function saysReady(
  pipe: Readable,
  stop: AbortSignal,
  child: { once(event: 'error', listener: (error: Error) => void): unknown },
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    pipe.once('data', () => resolve());
    pipe.once('end', () => reject(new Error('it ended before it was up')));
    stop.addEventListener('abort', () => reject(new Error(`it was not up within ${BOOT_TIMEOUT_MS} ms`)), { once: true });
  }).finally(() => pipe.destroy());
}

async function bootError(host: LabHost, consoleFile: string, timedOut: boolean, cause: unknown): Promise<NinesError> {
  const lastLines = (await readFile(consoleFile, 'utf8')).trim().split('\n').slice(-3).join(' | ');
  const words = `The host '${host.name}' did not boot: ${lastLines || (cause as Error).message} (${consoleFile})`;
  return new NinesError(timedOut ? 'E_START_TIMEOUT' : 'E_LAB_COMMAND', words, { cause });
}

function checkMount({ source, target }: LabMount): void {
  const inRun = target.startsWith('/run/') && normalize(target) === target && !target.endsWith('/');
  if (inRun && source.startsWith('/')) return;
  throw new NinesError('E_USAGE', `Cannot mount '${source}' on '${target}' of a host: it takes an absolute path and a place under /run.`);
}
