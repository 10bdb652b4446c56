import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NinesError } from '../errors/errors.ts';
import type { HostName } from '../topology/topology.ts';
import { type AddressPlan, addressRange, macOf, planAddresses } from './addresses.ts';
import { destroyLab } from './destroy.ts';
import { checkRoom, makeDisk } from './disk.ts';
import { makeFabric } from './fabric.ts';
import { claimFootprint, releaseFootprint } from './footprint.ts';
import { type Lab, type LabHost, MACHINE } from './lab.ts';
import { withLabLock, withMachineLock } from './lock.ts';
import { linkNames, namespaceNames, readBootId, usedNetworks } from './machine.ts';
import { findRecord, labFolder, listLabs, writeRecord } from './record.ts';
import { environmentFor } from './run-command.ts';

export interface CreateLabOptions {
  name: string;
  /** Folder of all labs of this user. */
  labsDir: string;
  hosts: Record<HostName, { zone: string; address: string | null }>;
  /** Null or left out: the lab keeps one free. */
  gatewayAddress?: string | null;
  /** Size of each host's disk; the file is sparse. Default 2 GiB. */
  diskBytes?: number;
  signal: AbortSignal;
  log: (line: string) => void;
}

const DEFAULT_DISK_BYTES = 2 * 2 ** 30;
const CLEAN_UP_TIMEOUT_MS = 20_000;
const HOST_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * Makes the lab: record first, then networks and disks. Its hosts are off. After an error nothing of it is left.
 * @throws NinesError E_PERMISSION, E_LAB_EXISTS, E_CONFIG_INVALID, E_ADDRESS_TAKEN, E_DISK_FULL, E_ENGINE_MISSING,
 * E_LAB_COMMAND, E_INTERRUPTED
 */
export async function createLab(options: CreateLabOptions): Promise<Lab> {
  const { name, labsDir, signal, log } = options;
  if (process.getuid?.() !== 0) throw new NinesError('E_PERMISSION', 'A lab can only be made by root.');
  checkHostNames(Object.keys(options.hosts));
  const dir = labFolder(labsDir, name);
  let recorded = false;
  try {
    return await withLabLock(dir, signal, async () => {
      if ((await findRecord(dir)) !== null) throw new NinesError('E_LAB_EXISTS', `The lab '${name}' exists already (${dir}).`);
      // Until the networks stand, only the machine's lock keeps another `up` from choosing the same.
      const lab = await withMachineLock(signal, async () => {
        const planned = await claimPlace(dir, options);
        recorded = true;
        await makeFabric(planned, { signal, env: environmentFor(planned) });
        return planned;
      });
      log(`lab ${name}: network ${lab.network.cidr}, machine ${lab.machineAddress}, gateway ${lab.gatewayAddress}`);
      await Promise.all(Object.values(lab.hosts).map((host) => makeDisk(host, lab.diskBytes, { signal, env: environmentFor(lab) })));
      log(`lab ${name}: ${Object.keys(lab.hosts).length} hosts with their disks are ready to boot`);
      return lab;
    });
  } catch (error) {
    // With a deadline of its own: an interrupted creation is cleaned up too.
    if (recorded) await destroyLab(labsDir, name, { signal: AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS), log });
    throw error;
  }
}

/** From here on the lab has a record; before, an error leaves no trace. */
async function claimPlace(dir: string, options: CreateLabOptions): Promise<Lab> {
  await claimFootprint();
  try {
    await mkdir(options.labsDir, { recursive: true, mode: 0o700 });
    await checkRoom(options.labsDir, Object.keys(options.hosts).length);
    const planned = await planLab(dir, options);
    await writeRecord(planned);
    return planned;
  } catch (error) {
    await releaseFootprint(options.labsDir, { signal: AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS) });
    throw error;
  }
}

async function planLab(dir: string, options: CreateLabOptions): Promise<Lab> {
  const others = await listLabs(options.labsDir);
  const used = await usedNetworks({ signal: options.signal });
  const plan = planAddresses({
    hosts: Object.fromEntries(Object.entries(options.hosts).map(([name, host]) => [name, host.address])),
    gatewayAddress: options.gatewayAddress ?? null,
    used: [...used, ...others.map((lab) => addressRange(lab.network.cidr))],
  });
  const id = await chooseId(others);
  return {
    name: options.name,
    id,
    dir,
    bootId: await readBootId(),
    network: { cidr: plan.cidr, prefix: plan.prefix },
    machineAddress: plan.machineAddress,
    machineLink: `nines-${id}`,
    gatewayAddress: plan.gatewayAddress,
    fabricNetns: `nines-${id}-fabric`,
    diskBytes: options.diskBytes ?? DEFAULT_DISK_BYTES,
    hosts: planHosts(id, dir, options, plan),
    faults: [],
    faultCount: 0,
    relay: null,
  };
}

function planHosts(id: string, dir: string, options: CreateLabOptions, plan: AddressPlan): Record<HostName, LabHost> {
  const hosts: Record<HostName, LabHost> = {};
  for (const [index, [name, { zone }]] of Object.entries(options.hosts).entries()) {
    const address = plan.hosts[name] ?? '';
    hosts[name] = {
      name,
      address,
      zone,
      mac: macOf(address),
      netns: `nines-${id}-${name}`,
      port: `h${index + 1}`,
      diskFile: join(dir, 'hosts', name, 'disk.img'),
      boot: null,
      init: null,
    };
  }
  return hosts;
}

async function chooseId(others: readonly Lab[]): Promise<string> {
  const names = [...(await namespaceNames()), ...(await linkNames()), ...others.map((lab) => lab.machineLink)];
  for (;;) {
    const id = randomInt(36 ** 4)
      .toString(36)
      .padStart(4, '0');
    if (!names.some((name) => name.startsWith(`nines-${id}`))) return id;
  }
}

function checkHostNames(names: readonly string[]): void {
  if (names.length === 0) throw new NinesError('E_CONFIG_INVALID', 'A lab needs at least one host.');
  for (const name of names) {
    if (HOST_NAME.test(name) && name !== MACHINE && name !== 'fabric') continue;
    const allowed = `lower-case letters, digits and dashes, and neither '${MACHINE}' nor 'fabric'`;
    throw new NinesError('E_CONFIG_INVALID', `'${name}' cannot be the name of a host in the lab: ${allowed}.`);
  }
}
