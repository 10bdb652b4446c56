/** Patroni, PostgreSQL, etcd and HAProxy on three hosts of a lab, as their manuals and the usual advice for short failovers have it. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bootHost, createLab, destroyLab, execOnHost, hostProcesses, type Lab } from '../../../packages/nines/src/lab/index.ts';
import { MACHINE_PATHS } from '../../../packages/nines/src/operations/up.ts';
import { versionLine } from '../../result.ts';
import { gatewayHost } from '../gateway-host.ts';
import { type GatewayPlace, HOSTS, type RunningSystem, type StartOptions, type System } from '../system.ts';
import { ensurePatroni, PATRONI } from './install.ts';
import { type ClusterPlan, hostSeed, type PatroniSettings, POSTGRES_PORT, REST_PORT } from './render.ts';
import { SEED_FILE } from './seed.ts';

const HOST_PROGRAM = fileURLToPath(new URL('../peer-host-process.ts', import.meta.url));
const START_TIMEOUT_MS = 120_000;
const ASK_TIMEOUT_MS = 1_000;
const POLL_MS = 200;
const MAX_LAG_BYTES = 1 << 20;

const DEFAULTS: PatroniSettings = { ttl: 30, loopWait: 10, retryTimeout: 10, primaryStartTimeout: null, checkInterval: '1s' };
const TUNED: PatroniSettings = { ttl: 20, loopWait: 1, retryTimeout: 3, primaryStartTimeout: 0, checkInterval: '200ms' };

export const patroniDefault: System = patroni('patroni-default', DEFAULTS);
export const patroniTuned: System = patroni('patroni-tuned', TUNED);

function patroni(name: 'patroni-default' | 'patroni-tuned', settings: PatroniSettings): System {
  const words = [
    `ttl ${settings.ttl}, loop_wait ${settings.loopWait}, retry_timeout ${settings.retryTimeout}`,
    `primary_start_timeout ${settings.primaryStartTimeout ?? 'default (300)'}, synchronous_mode, use_pg_rewind`,
    `HAProxy checks every ${settings.checkInterval}, fall 2, rise 1, on-marked-down shutdown-sessions`,
  ];
  return {
    name,
    prepare: ensurePatroni,
    versions: () => ({ patroni: versionLine([PATRONI, '--version']), [name]: words.join(', ') }),
    start: (options) => start(settings, options),
  };
}

async function start(settings: PatroniSettings, { labName, gateway, signal }: StartOptions): Promise<RunningSystem> {
  const lab = await createLab({ name: labName, labsDir: MACHINE_PATHS.labsDir, hosts: HOSTS, signal, log: () => undefined });
  // With a signal of its own: an interrupted bench takes it down too.
  const stop = async () => {
    await destroyLab(MACHINE_PATHS.labsDir, labName, { signal: AbortSignal.timeout(30_000), log: () => undefined });
  };
  try {
    const secret = () => randomBytes(18).toString('base64url');
    const plan: ClusterPlan = {
      hosts: Object.fromEntries(Object.values(lab.hosts).map(({ name, address }) => [name, address])),
      gatewayAddress: lab.gatewayAddress,
      // The gateway's address starts at the first host.
      firstPrimary: gateway === 'on' ? 'a1' : 'b1',
      passwords: { superuser: secret(), replication: secret(), rewind: secret() },
      settings,
    };
    await Promise.all(Object.keys(HOSTS).map((host) => boot(lab, plan, host, signal)));
    const running = runningSystem(lab, plan, stop);
    await untilWhole(running, signal);
    return running;
  } catch (error) {
    const words = signal.aborted ? '' : await lastWords(lab);
    await stop();
    throw words === '' ? error : new Error(`${String(error)}\n${words}`, { cause: error });
  }
}

async function boot(lab: Lab, plan: ClusterPlan, host: string, signal: AbortSignal): Promise<void> {
  const seedFile = join(lab.dir, `seed-${host}.json`);
  await writeFile(seedFile, JSON.stringify(hostSeed(plan, host)), { mode: 0o600 });
  await bootHost(lab, host, {
    argv: [process.execPath, HOST_PROGRAM],
    env: {},
    mounts: [{ source: seedFile, target: SEED_FILE, readOnly: true }],
    signal,
  });
}

export interface Member {
  name: string;
  role: string;
  state: string;
  lag?: number | string;
}

function runningSystem(lab: Lab, plan: ClusterPlan, stop: () => Promise<void>): RunningSystem {
  const primary = async (signal: AbortSignal): Promise<string> => {
    const leader = (await sights(plan, signal)).map(leaderOf).find((one) => one !== null);
    if (leader === undefined || leader === null) throw new Error('no Patroni names a leader that runs');
    return leader;
  };
  const running: RunningSystem = {
    lab,
    access: {
      host: plan.gatewayAddress,
      port: POSTGRES_PORT,
      user: 'postgres',
      password: plan.passwords.superuser,
      database: 'postgres',
      caPem: null,
    },
    primary,
    agentPid: async (host) => {
      const found = (await hostProcesses(lab, host)).find(({ argv }) => argv.includes(PATRONI));
      if (found === undefined) throw new Error(`no Patroni runs on ${host}`);
      return found.pid;
    },
    switchover: (leader, signal) => askSwitchover(plan, leader, null, signal),
    missing: (signal) => missing(plan, signal),
    milestones: () => Promise.resolve([]),
    place: (gateway, signal) => place(running, plan, gateway, signal),
    stop,
  };
  return running;
}

/** To the synchronous standby alone: Patroni hands over to no other. @throws when the gateway's host is none */
async function place(running: RunningSystem, plan: ClusterPlan, gateway: GatewayPlace, signal: AbortSignal): Promise<void> {
  await untilWhole(running, signal);
  const [primary, holder] = [await running.primary(signal), await gatewayHost(running.lab, plan.gatewayAddress, signal)];
  if ((primary === holder) === (gateway === 'on')) return;
  await askSwitchover(plan, primary, gateway === 'on' ? holder : null, signal);
  await untilWhole(running, signal);
  const [now, holderNow] = [await running.primary(signal), await gatewayHost(running.lab, plan.gatewayAddress, signal)];
  if ((now === holderNow) !== (gateway === 'on')) throw new Error(`the primary is on ${now}, the gateway on ${holderNow}`);
}

async function askSwitchover(plan: ClusterPlan, leader: string, candidate: string | null, signal: AbortSignal): Promise<void> {
  const answer = await fetch(`http://${plan.hosts[leader]}:${REST_PORT}/switchover`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(candidate === null ? { leader } : { leader, candidate }),
    signal,
  });
  const words = await answer.text();
  if (answer.status !== 200) throw new Error(`Patroni refused the switchover (${answer.status}): ${words}`);
}

/** As each host sees them that answers; one that was away sees what was. */
async function sights(plan: ClusterPlan, signal: AbortSignal): Promise<Member[][]> {
  const asked = Object.values(plan.hosts).map(async (address) => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
    const answer = await fetch(`http://${address}:${REST_PORT}/cluster`, { signal: deadline });
    return ((await answer.json()) as { members: Member[] }).members;
  });
  return (await Promise.allSettled(asked)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

function leaderOf(members: readonly Member[]): string | null {
  return members.find(({ role, state }) => role === 'leader' && state === 'running')?.name ?? null;
}

/** Every host has to say so, of the same leader. */
async function missing(plan: ClusterPlan, signal: AbortSignal): Promise<string | null> {
  const seen = await sights(plan, signal);
  const hosts = Object.keys(plan.hosts).length;
  if (seen.length < hosts) return `${hosts - seen.length} hosts do not answer`;
  if (new Set(seen.map(leaderOf)).size > 1) return 'the hosts do not agree on a leader';
  return seen.map((members) => lacking(members, hosts)).find((one) => one !== null) ?? null;
}

export function lacking(members: readonly Member[], hosts: number): string | null {
  const standbys = members.filter(({ role }) => role !== 'leader');
  const far = standbys.filter(({ state, lag }) => !/^(?:running|streaming)$/.test(state) || !(Number(lag ?? 0) <= MAX_LAG_BYTES));
  if (leaderOf(members) === null) return 'no leader';
  if (standbys.length < hosts - 1) return `${standbys.length} standbys`;
  if (far.length > 0) return far.map(({ name, state, lag }) => `${name} is ${state}, lag ${lag}`).join('; ');
  return standbys.some(({ role }) => role === 'sync_standby') ? null : 'no synchronous standby';
}

async function untilWhole(running: RunningSystem, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  for (;;) {
    const lacking = await running.missing(deadline);
    if (lacking === null) return;
    signal.throwIfAborted();
    if (deadline.aborted) throw new Error(`not whole within ${START_TIMEOUT_MS} ms: ${lacking}`);
    await delay(POLL_MS);
  }
}

/** The lab is about to go, and its logs with it. */
async function lastWords(lab: Lab): Promise<string> {
  const argv = ['tail', '-n', '12', '/var/lib/nines/logs/etcd.log', '/var/lib/nines/logs/patroni.log', '/var/lib/nines/logs/haproxy.log'];
  const limits = { signal: AbortSignal.timeout(5_000), timeoutMs: 3_000 };
  const words = Object.keys(lab.hosts).map(async (host) => `--- ${host}\n${(await execOnHost(lab, host, argv, limits)).stdout}`);
  return (await Promise.allSettled(words)).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason))).join('\n');
}
