/** The data disk of a host: an ext4 image on a loop device that the kernel frees with the host's last process. */
import { mkdir, open, readdir, readFile, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NinesError } from '../errors/errors.ts';
import { DATA_FOLDER } from './footprint.ts';
import type { LabHost } from './lab.ts';
import { type CommandOptions, mustRun, runCommand } from './run-command.ts';

/** What the default topology writes on one host in its first minutes, with room. */
const NEEDED_BYTES_PER_HOST = 256 * 2 ** 20;
const EXT4_IOC_SHUTDOWN = 0x8004587d;
const NO_LOG_FLUSH = 2;
/** What reading a file of /proc or /sys says of what is no more. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'ENXIO', 'ENODEV']);

/** @throws NinesError E_DISK_FULL */
export async function checkRoom(folder: string, hosts: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const needed = hosts * NEEDED_BYTES_PER_HOST;
  if (free >= needed) return;
  const words = `${Math.floor(free / 2 ** 20)} MiB are free in ${folder}, ${needed / 2 ** 20} MiB are needed for ${hosts} hosts.`;
  throw new NinesError('E_DISK_FULL', words);
}

/** Makes an empty, sparse disk. Nothing is written ahead: unwritten inode tables of a sparse file read as zeros. */
export async function makeDisk(host: LabHost, bytes: number, options: CommandOptions): Promise<void> {
  await mkdir(dirname(host.diskFile), { recursive: true, mode: 0o700 });
  const file = await open(host.diskFile, 'w', 0o600);
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
  const settings = 'lazy_itable_init=1,lazy_journal_init=1,nodiscard';
  await mustRun(['mkfs.ext4', '-q', '-F', '-m', '0', '-E', settings, host.diskFile], options);
}

/**
 * The file system of a running host stops as if power were lost: what was not synced is gone at the next mount.
 * Nothing happens when the disk is not mounted there.
 * @throws NinesError E_LAB_COMMAND
 */
export async function loseUnsyncedWrites(host: LabHost, initPid: number, options: CommandOptions): Promise<void> {
  const device = await mountedDevice(host, initPid);
  if (device === null) return;
  await mustRun(
    ['perl', '-e', SHUTDOWN_PROGRAM, `/proc/${initPid}/root${DATA_FOLDER}`, device, String(EXT4_IOC_SHUTDOWN), String(NO_LOG_FLUSH)],
    options,
  );
}

/** perl-base is part of every Debian; Node has no ioctl. It asks the open folder itself which disk it lies on. */
const SHUTDOWN_PROGRAM = `
my ($folder, $device, $request, $mode) = @ARGV;
open(my $file, '<', $folder) or die "$folder: $!\\n";
my $number = (stat $file)[0];
my $found = (($number >> 8) & 0xfff) . ':' . (($number & 0xff) | (($number >> 12) & 0xfff00));
$found eq $device or die "$folder is on device $found, not on $device\\n";
ioctl($file, $request, pack('L', $mode)) or die "EXT4_IOC_SHUTDOWN: $!\\n";
`;

/** 'major:minor' of the host's disk as mounted in the host; null when it is not. */
async function mountedDevice(host: LabHost, initPid: number): Promise<string | null> {
  const devices = await loopDevices([host.diskFile]);
  const mounts = await readIfThere(`/proc/${initPid}/mountinfo`);
  for (const line of (mounts ?? '').split('\n').reverse()) {
    const fields = line.split(' ');
    const device = fields[2] ?? '';
    if (fields[4] === DATA_FOLDER && devices.some((loop) => loop.device === device)) return device;
  }
  return null;
}

export interface LoopDevice {
  /** e.g. 'loop3' */
  name: string;
  /** e.g. '7:3' */
  device: string;
  file: string;
}

/** The loop devices that hold one of the files. */
export async function loopDevices(files: readonly string[]): Promise<LoopDevice[]> {
  const names = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'));
  const found = await Promise.all(
    names.map(async (name) => {
      const backing = await readIfThere(`/sys/block/${name}/loop/backing_file`);
      const device = await readIfThere(`/sys/block/${name}/dev`);
      return { name, device: device?.trim() ?? '', file: backing?.trim() ?? '' };
    }),
  );
  return found.filter(({ file }) => files.includes(file));
}

/**
 * Waits until the kernel has let go of a host's disk, and takes it away when a crash left it attached.
 * @throws NinesError E_LAB_COMMAND when it stays
 */
export async function releaseDisk(host: LabHost, timeoutMs: number, options: CommandOptions): Promise<void> {
  let deadlineMs = performance.now() + timeoutMs;
  let isDetaching = false;
  for (;;) {
    const attached = await loopDevices([host.diskFile]);
    if (attached.length === 0) return;
    if (performance.now() > deadlineMs) {
      if (isDetaching)
        throw new NinesError('E_LAB_COMMAND', `The disk of '${host.name}' stays attached: ${attached.map(({ name }) => name).join(', ')}.`);
      // It fails for one that the kernel has just freed, and is done a moment after it ends.
      await runCommand(['losetup', '--detach', ...attached.map(({ name }) => `/dev/${name}`)], options);
      [isDetaching, deadlineMs] = [true, performance.now() + timeoutMs];
    }
    await sleep(5);
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // The loop device was freed between the two looks (ENXIO), or while its attribute was read (ENODEV).
    if (code !== undefined && GONE.has(code)) return null;
    throw error;
  }
}
