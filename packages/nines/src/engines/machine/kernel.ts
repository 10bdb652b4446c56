/**
 * Kernel features, tried rather than guessed: each in an unnamed network namespace that ends with its process,
 * so nothing can be left behind. A module that is not loaded is loaded by the attempt, as the lab would do it.
 */
import { access, constants, readFile } from 'node:fs/promises';
import type { EngineIo } from '../engine.ts';
import { KERNEL_FEATURES, type KernelFact, type KernelFeature } from './facts.ts';

/** How tools are run; every call ends by the signal. */
export type MachineIo = Pick<EngineIo, 'run' | 'signal'>;

const PROBE_TIMEOUT_MS = 5_000;
const UNSHARE = '/usr/bin/unshare';
const IP = '/usr/sbin/ip';

const ATTEMPTS: Partial<Record<KernelFeature, string[]>> = {
  'network namespaces': [UNSHARE, '--net', '--', '/bin/true'],
  'veth links': [UNSHARE, '--net', '--', IP, 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1'],
  bridges: [UNSHARE, '--net', '--', IP, 'link', 'add', 'probe0', 'type', 'bridge'],
  'tap devices': [UNSHARE, '--net', '--', IP, 'tuntap', 'add', 'dev', 'probe0', 'mode', 'tap'],
  'nftables, bridge family': [UNSHARE, '--net', '--', '/usr/sbin/nft', 'add', 'table', 'bridge', 'probe'],
};

/** Never rejects for a feature that is absent; rejects when the signal ended it. */
export async function kernelFacts(uid: number, platform: string, io: MachineIo): Promise<Record<KernelFeature, KernelFact>> {
  const facts = await Promise.all(
    KERNEL_FEATURES.map(async (feature): Promise<[KernelFeature, KernelFact]> => {
      if (platform !== 'linux') return [feature, { state: 'missing', detail: `not on ${platform}` }];
      const attempt = ATTEMPTS[feature];
      if (attempt !== undefined) return [feature, await attempted(attempt, uid, io)];
      return [feature, feature === 'loop devices' ? await loopDevices() : await ext4()];
    }),
  );
  io.signal.throwIfAborted();
  return Object.fromEntries(facts) as Record<KernelFeature, KernelFact>;
}

async function attempted(argv: string[], uid: number, io: MachineIo): Promise<KernelFact> {
  if (uid !== 0) return { state: 'unknown', detail: 'only root can try it' };
  try {
    await io.run(argv, { timeoutMs: PROBE_TIMEOUT_MS });
    return { state: 'ok', detail: 'yes' };
  } catch (error) {
    return { state: 'missing', detail: firstLine(error) };
  }
}

async function loopDevices(): Promise<KernelFact> {
  try {
    await access('/dev/loop-control', constants.F_OK);
    return { state: 'ok', detail: 'yes' };
  } catch {
    return { state: 'missing', detail: 'no /dev/loop-control' };
  }
}

/** Known to the running kernel, or as a module that a mount would load. */
async function ext4(): Promise<KernelFact> {
  const release = (await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim();
  const sources = ['/proc/filesystems', `/lib/modules/${release}/modules.dep`, `/lib/modules/${release}/modules.builtin`];
  for (const file of sources) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (/\bext4\b/.test(text)) return { state: 'ok', detail: 'yes' };
  }
  return { state: 'missing', detail: 'neither in /proc/filesystems nor among the modules' };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
