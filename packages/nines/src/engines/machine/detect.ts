/** Looks at the machine: which tools, accounts and kernel features are there. Changes nothing. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { MachineFacts, ToolFacts } from './facts.ts';
import { kernelFacts, type MachineIo } from './kernel.ts';
import type { Tool } from './tools.ts';
import { versionIn } from './version.ts';

const VERSION_TIMEOUT_MS = 5_000;

/** Reads files and runs the tools with their version option; rejects only when the signal ended it. */
export async function detectMachine(tools: readonly Tool[], io: MachineIo): Promise<MachineFacts> {
  const uid = process.getuid?.() ?? -1;
  const release = osRelease();
  const [toolFacts, kernel] = await Promise.all([
    Promise.all(tools.map((tool) => factsOf(tool, io))),
    kernelFacts(uid, process.platform, io),
  ]);
  io.signal.throwIfAborted();
  const postgres = tools.find((tool) => tool.name === 'postgres')?.files[0];
  return {
    platform: process.platform,
    system: release['PRETTY_NAME'] ?? process.platform,
    systemFamily: `${release['ID'] ?? ''} ${release['ID_LIKE'] ?? ''}`.split(' ').filter((word) => word !== ''),
    uid,
    nodeVersion: process.versions.node,
    tools: Object.fromEntries(tools.map((tool, i) => [tool.name, toolFacts[i] as ToolFacts])),
    users: accounts(readText('/etc/passwd')),
    kernel,
    strayPostgres: postgres === undefined ? null : strayProgram('postgres', dirname(postgres), process.env['PATH'] ?? ''),
  };
}

/** Those of the files that this process cannot execute. */
export function missingFiles(files: string[]): string[] {
  return files.filter((file) => !isExecutable(file));
}

/** The first program of that name on PATH when it lies in another folder than `home`; null otherwise. */
export function strayProgram(name: string, home: string, path: string): string | null {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const file = join(folder, name);
    if (isExecutable(file)) return folder === home ? null : file;
  }
  return null;
}

async function factsOf(tool: Tool, io: MachineIo): Promise<ToolFacts> {
  const missing = missingFiles(tool.files);
  if (missing.length > 0) return { missingFiles: missing, version: null };
  try {
    const { stdout, stderr } = await io.run(tool.versionArgv, { timeoutMs: VERSION_TIMEOUT_MS });
    return { missingFiles: [], version: versionIn(stdout) ?? versionIn(stderr) };
  } catch {
    // A program that cannot print its version is reported as 'unknown', with its name.
    return { missingFiles: [], version: null };
  }
}

function accounts(passwd: string): string[] {
  return passwd
    .split('\n')
    .flatMap((line) => line.split(':').slice(0, 1))
    .filter((name) => name !== '');
}

function osRelease(): Record<string, string> {
  const entries = readText('/etc/os-release')
    .split('\n')
    .flatMap((line): [string, string][] => {
      const at = line.indexOf('=');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).replaceAll('"', '')]];
    });
  return Object.fromEntries(entries);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // Not on every system; the report then says what is not known.
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
