/** The user's project: its configuration, and the folder that the hosts must see to run its services. */
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NinesError } from '../errors/errors.ts';
import { normaliseTopology } from '../topology/normalise.ts';
import type { Topology } from '../topology/topology.ts';

export const CONFIG_FILE = 'nines.config.ts';

export interface Project {
  configFile: string;
  topology: Topology;
  /** Folder of the configuration. */
  folder: string;
  /** What is shown to the hosts: the workspace around it, where its packages are installed, or the folder itself. */
  root: string;
}

/** Throws E_CONFIG_NOT_FOUND or E_CONFIG_INVALID. */
export async function loadProject(config: string | undefined, from: string): Promise<Project> {
  const configFile = resolve(from, config ?? CONFIG_FILE);
  try {
    await access(configFile, constants.R_OK);
  } catch (cause) {
    throw new NinesError('E_CONFIG_NOT_FOUND', `there is no ${configFile}`, { cause });
  }
  const topology = normaliseTopology(await importDefault(configFile));
  const folder = dirname(configFile);
  return { configFile, topology, folder, root: await workspaceRoot(folder) };
}

async function importDefault(file: string): Promise<unknown> {
  let module: { default?: unknown };
  try {
    // The query makes a changed file a new module: `apply` in one process may read it twice.
    module = (await import(`${pathToFileURL(file).href}?at=${(await stat(file)).mtimeMs}`)) as { default?: unknown };
  } catch (cause) {
    if (cause instanceof NinesError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new NinesError('E_CONFIG_INVALID', `${file} could not be loaded: ${message}`, { cause });
  }
  if (module.default === undefined) {
    throw new NinesError('E_CONFIG_INVALID', `${file} has no default export; write: export default defineTopology({...})`);
  }
  return module.default;
}

/** The nearest folder upwards that declares npm workspaces; else the folder itself. */
async function workspaceRoot(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const manifest = JSON.parse(await readFile(join(at, 'package.json'), 'utf8')) as { workspaces?: unknown };
      if (manifest.workspaces !== undefined) return at;
    } catch {
      // No package.json here: look further up.
    }
    if (dirname(at) === at) return folder;
  }
}

/** Where a host sees the project, and the Node that runs there. */
export const HOST_PROJECT_ROOT = '/run/nines/project';
export const HOST_NODE_FOLDER = '/run/nines/node';

export interface HostView {
  projectDir: string;
  nodeFile: string;
  mounts: { source: string; target: string; readOnly: boolean }[];
}

/** Bind mounts show a project under a 0700 home to the services' unprivileged users. */
export function hostView(project: Project, nodeFile: string): HostView {
  return {
    projectDir: join(HOST_PROJECT_ROOT, relative(project.root, project.folder)),
    nodeFile: join(HOST_NODE_FOLDER, 'node'),
    mounts: [
      { source: project.root, target: HOST_PROJECT_ROOT, readOnly: true },
      { source: dirname(nodeFile), target: HOST_NODE_FOLDER, readOnly: true },
    ],
  };
}

/** Throws E_CONFIG_INVALID when a service's folder cannot be read by the user that runs it. */
export async function checkReadable(project: Project): Promise<void> {
  for (const [name, service] of Object.entries(project.topology.services)) {
    const folder = resolve(project.folder, service.folder);
    const found = await stat(folder).catch(() => null);
    if (found?.isDirectory() !== true) {
      throw new NinesError('E_CONFIG_INVALID', `services.${name}.folder: there is no folder ${folder}`);
    }
    for (let at = folder; at.startsWith(project.root); at = dirname(at)) {
      const { mode } = await stat(at);
      if ((mode & 0o005) === 0o005) continue;
      throw new NinesError(
        'E_CONFIG_INVALID',
        `services.${name}.folder: ${at} can be read by its owner alone, services run as users of their own`,
        {
          hint: `Run: chmod o+rX ${at}`,
        },
      );
    }
  }
}
