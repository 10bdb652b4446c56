/** What several commands take. */
import { Option } from 'commander';
import { NinesError } from '../errors/errors.ts';
import { listLabs, type Lab, readLab } from '../lab/index.ts';
import { loadProject } from '../operations/project.ts';
import { MACHINE_PATHS } from '../operations/up.ts';
import { parseDuration } from '../topology/durations.ts';

export interface LabOptions {
  lab?: string;
  config?: string;
}

export const labOption = (): Option => new Option('--lab <name>', "the lab; default: the topology's name, or the only lab there is");
export const configOption = (): Option => new Option('-c, --config <file>', 'the topology; default: nines.config.ts in this folder');
export const jsonOption = (): Option => new Option('--json', 'one JSON document on standard output');

export function durationOption(flags: string, description: string, fallback: string): Option {
  return new Option(flags, description).default(parseDuration(fallback), fallback).argParser((text: string) => {
    const parsed = parseDuration(text);
    if (parsed === null) throw new NinesError('E_USAGE', `${flags}: '${text}' is no duration; write for example 90s or 500ms`);
    return parsed;
  });
}

/** The lab that is meant: named, or of the topology here, or the only one. */
export async function chosenLab(options: LabOptions): Promise<Lab> {
  if (options.lab !== undefined) return readLab(MACHINE_PATHS.labsDir, options.lab);
  const labs = await listLabs(MACHINE_PATHS.labsDir);
  const named = await topologyName(options.config);
  const found = labs.find((lab) => lab.name === named) ?? (labs.length === 1 ? labs[0] : undefined);
  if (found !== undefined) return found;
  if (labs.length === 0) throw new NinesError('E_LAB_NOT_FOUND', 'there is no lab on this machine');
  throw new NinesError('E_LAB_NOT_FOUND', `several labs are there (${labs.map((lab) => lab.name).join(', ')}); name one with --lab`);
}

async function topologyName(config: string | undefined): Promise<string | null> {
  try {
    return (await loadProject(config, process.cwd())).topology.name;
  } catch (error) {
    // Without a topology here, the labs of the machine are all there is to choose from; a named file must be right.
    if (config === undefined) return null;
    throw error;
  }
}
