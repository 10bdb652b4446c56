import { readFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoreTls } from '../../store/client.ts';
import { NinesError } from '../../errors/errors.ts';
import { type MemberClient, openMember } from '../../store/member-client.ts';
import { replaceFile } from '../durable-file.ts';
import type { EngineIo, UnitContext } from '../engine.ts';
import { etcdLayout, type EtcdSettings, type PlacedMember, placedMembers } from './render.ts';
import { decideStart, joiningCluster, type PeerAnswer } from './start-decision.ts';

const ASK_TIMEOUT_MS = 500;
const CHANGE_TIMEOUT_MS = 2_000;
/** etcd refuses a change of the membership until all members have been connected for 5 s. */
const DECIDE_WITHIN_MS = 12_000;
const RETRY_MS = 250;

/** Finds out how to start, makes room in the cluster when the disk was lost, and writes what etcd reads. */
export async function prepareEtcd(context: UnitContext, io: EngineIo): Promise<void> {
  const layout = etcdLayout(context);
  const settings = JSON.parse(await readFile(layout.settingsFile, 'utf8')) as EtcdSettings;
  const start = await findStart(context, io);
  const content = JSON.stringify({ ...settings, ...start }, null, 2);
  await replaceFile(layout.configFile, `${content}\n`, 0o600);
}

interface Start {
  'initial-cluster-state': 'new' | 'existing';
  'initial-cluster'?: string;
}

async function findStart(context: UnitContext, io: EngineIo): Promise<Start> {
  const untilMs = performance.now() + DECIDE_WITHIN_MS;
  let problem = '';
  for (;;) {
    const tried = await tryToStart(context, io);
    if ('start' in tried) return tried.start;
    if (tried.problem !== problem) io.log(tried.problem);
    problem = tried.problem;
    if (io.signal.aborted || performance.now() > untilMs)
      throw new NinesError('E_UNREACHABLE', `etcd on ${context.unit.host} is not started: ${problem}`);
    await delay(RETRY_MS, undefined, { signal: io.signal }).catch(() => undefined);
  }
}

async function tryToStart(context: UnitContext, io: EngineIo): Promise<{ start: Start } | { problem: string }> {
  const { dataDir } = etcdLayout(context);
  const members = placedMembers(context.spec);
  const own = members.find(({ name }) => name === context.unit.host);
  if (own === undefined) throw new Error(`etcd is not placed on ${context.unit.host}`);
  if (await hasLog(dataDir)) return { start: { 'initial-cluster-state': 'new' } };
  const tls = readTls(context);
  const peers = members.filter((member) => member !== own).map(({ clientUrl }) => openMember(clientUrl, tls));
  try {
    const answers = await Promise.all(peers.map((peer) => askPeer(peer, context.spec.topology.etcd.peerPort, io.signal)));
    const decision = decideStart({ hasLog: false, peerUrl: own.peerUrl, answers });
    io.log(`rule ${decision.rule}: ${decision.reason}`);
    if (decision.start === 'wait') return { problem: decision.reason };
    await rm(join(dataDir, 'member'), { recursive: true, force: true }); // remains without a log
    if (decision.start === 'new') return { start: { 'initial-cluster-state': 'new' } };
    const peer = peers[answers.findIndex(({ kind }) => kind === 'members')];
    if (peer === undefined) return { problem: decision.reason };
    return { start: await joinCluster(peer, own, members, decision.removeId, io.signal) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  } finally {
    for (const peer of peers) peer.close();
  }
}

async function joinCluster(
  peer: MemberClient,
  own: PlacedMember,
  placed: PlacedMember[],
  removeId: string | null,
  signal: AbortSignal,
): Promise<Start> {
  const within = () => AbortSignal.any([signal, AbortSignal.timeout(CHANGE_TIMEOUT_MS)]);
  if (removeId !== null) await peer.removeMember(removeId, within());
  const members = await peer.addMember(own.peerUrl, within());
  const nameOf = (peerUrl: string) => placed.find((member) => member.peerUrl === peerUrl)?.name;
  return { 'initial-cluster-state': 'existing', 'initial-cluster': joiningCluster(members, nameOf) };
}

async function askPeer(peer: MemberClient, peerPort: number, signal: AbortSignal): Promise<PeerAnswer> {
  const within = () => AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
  try {
    return { kind: 'members', members: await peer.members(within()) };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED') return { kind: 'nobody' };
  }
  try {
    // Members that start one after the other would else wait for each other: the first has no leader without the rest.
    return { kind: (await peer.knownClientUrls(peerPort, within())).length === 0 ? 'begins' : 'silent' };
  } catch {
    return { kind: 'silent' };
  }
}

async function hasLog(dataDir: string): Promise<boolean> {
  try {
    return (await readdir(join(dataDir, 'member', 'wal'))).some((name) => name.endsWith('.wal'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** The agent asks its own member and others as a client of the cluster. */
export function readTls(context: UnitContext): StoreTls {
  const { caFile, certFile, keyFile } = context.certificate('agent');
  return { ca: readFileSync(caFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}
