/** Starts, updates and stops the latency relay. The lab's lock is held by the caller. */
import { spawn } from 'node:child_process';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NinesError } from '../../errors/errors.ts';
import { BRIDGE } from '../fabric.ts';
import type { Lab, ProcessIdentity } from '../lab.ts';
import { NETNS_FOLDER } from '../machine.ts';
import { isAlive, processStat, sendSignal } from '../processes.ts';
import { mustRun, TOOL_ENVIRONMENT } from '../run-command.ts';
import { RELAY_PORT, type RelayDelays } from './fault-rules.ts';

export interface RelayTable {
  revision: number;
  delays: RelayDelays;
}

const RELAY_TIMEOUT_MS = 5_000;
const OPEN_TAP = fileURLToPath(new URL('./open-tap.pl', import.meta.url));
/** The same extension as this file: TypeScript in the repository, JavaScript in the package. */
const PROGRAM = fileURLToPath(new URL(`./relay-process${extname(import.meta.url)}`, import.meta.url));

/**
 * The relay with these delays in force: the one that runs, or a new one.
 * @throws NinesError E_START_TIMEOUT, E_LAB_COMMAND, E_INTERRUPTED
 */
export async function runRelay(lab: Lab, delays: RelayDelays, signal: AbortSignal): Promise<ProcessIdentity> {
  const { revision } = await writeTable(lab, delays);
  // One that was told to end may still be delivering: it either takes this table and stays, or is gone by now.
  if (lab.relay !== null && (await sendSignal(lab.relay, 'SIGHUP'))) {
    if (await hasLoaded(lab, lab.relay, revision, signal)) return lab.relay;
  }
  const relay = await startRelay(lab);
  try {
    if (!(await hasLoaded(lab, relay, revision, signal))) {
      throw new NinesError('E_LAB_COMMAND', `The latency relay ended; see ${join(lab.dir, 'relay.log')}.`);
    }
    await joinBridge(lab, signal);
    return relay;
  } catch (error) {
    await sendSignal(relay, 'SIGKILL');
    throw error;
  }
}

/** It delivers what it holds and ends by itself. By the table, as everything: of two different signals the kernel may deliver the later one first. */
export async function stopRelay(lab: Lab): Promise<void> {
  if (lab.relay === null) return;
  await writeTable(lab, {});
  await sendSignal(lab.relay, 'SIGHUP');
}

async function writeTable(lab: Lab, delays: RelayDelays): Promise<RelayTable> {
  const table: RelayTable = { revision: await nextRevision(lab), delays };
  const file = join(lab.dir, 'relay-table.json');
  await writeFile(`${file}.new`, JSON.stringify(table), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return table;
}

async function startRelay(lab: Lab): Promise<ProcessIdentity> {
  const output = await open(join(lab.dir, 'relay.log'), 'a', 0o600);
  try {
    const argv = ['perl', OPEN_TAP, RELAY_PORT, process.execPath, '--max-semi-space-size=2', PROGRAM, lab.dir];
    const child = spawn('nsenter', [`--net=${join(NETNS_FOLDER, lab.fabricNetns)}`, ...argv], {
      detached: true,
      cwd: '/',
      env: TOOL_ENVIRONMENT,
      stdio: ['ignore', output.fd, output.fd],
    });
    const stat = child.pid === undefined ? null : await processStat(child.pid);
    child.once('error', () => undefined);
    child.unref();
    if (stat === null) throw new NinesError('E_LAB_COMMAND', 'The latency relay could not be started.');
    return { pid: stat.pid, startTimeTicks: stat.startTimeTicks };
  } finally {
    await output.close();
  }
}

/** Nothing is ever flooded to it: what it gets, the rules have sent. A long queue: TCP sends windows at once. */
async function joinBridge(lab: Lab, signal: AbortSignal): Promise<void> {
  const lines = [
    `link set ${RELAY_PORT} addrgenmode none txqueuelen 10000 master ${BRIDGE}`,
    `link set ${RELAY_PORT} type bridge_slave learning off flood off mcast_flood off bcast_flood off`,
    `link set ${RELAY_PORT} up`,
  ];
  await mustRun(['ip', '-n', lab.fabricNetns, '-batch', '-'], { signal, input: `${lines.join('\n')}\n` });
}

/** False when it ended instead. */
async function hasLoaded(lab: Lab, relay: ProcessIdentity, revision: number, signal: AbortSignal): Promise<boolean> {
  const deadlineMs = performance.now() + RELAY_TIMEOUT_MS;
  while ((await loadedRevision(lab)) !== revision) {
    if (signal.aborted) throw new NinesError('E_INTERRUPTED', 'Interrupted while the latency relay started.');
    if (!(await isAlive(relay))) return false;
    if (performance.now() > deadlineMs) {
      const log = join(lab.dir, 'relay.log');
      throw new NinesError('E_START_TIMEOUT', `The latency relay was not ready within ${RELAY_TIMEOUT_MS} ms; see ${log}.`);
    }
    await sleep(3);
  }
  return true;
}

async function nextRevision(lab: Lab): Promise<number> {
  return ((await readJson<RelayTable>(join(lab.dir, 'relay-table.json')))?.revision ?? 0) + 1;
}

async function loadedRevision(lab: Lab): Promise<number | null> {
  return (await readJson<{ revision: number }>(join(lab.dir, 'relay-state.json')))?.revision ?? null;
}

async function readJson<Value>(file: string): Promise<Value | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Value;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
