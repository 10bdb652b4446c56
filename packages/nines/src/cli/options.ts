/** What several commands take. */
import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { NinesError } from '../errors/errors.ts';
import { listLabs, type Lab, readLab } from '../lab/index.ts';
import { labPaths } from '../operations/cluster.ts';
import { loadProject } from '../operations/project.ts';
import { MACHINE_PATHS } from '../operations/up.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import { parseDuration } from '../topology/durations.ts';

/** What a timer can hold: 31 bits of milliseconds. */
const LONGEST_MS = 24 * 86_400_000;

export interface LabOptions {
  lab?: string;
  config?: string;
}

export const labOption = (): Option =>
  new Option('--lab <name>', "the lab; default: the topology's, or without a topology here the only one there is");
export const newLabOption = (): Option => new Option('--lab <name>', "the lab's name; default: the topology's");
export const configOption = (): Option => new Option('-c, --config <file>', 'the topology; default: nines.config.ts in this folder');
export const jsonOption = (): Option => new Option('--json', 'one JSON document on standard output');
export const jsonLinesOption = (): Option => new Option('--json', 'one JSON document per line on standard output');

export function durationOption(flags: string, description: string, fallback: string): Option {
  return new Option(flags, description).default(parseDuration(fallback), fallback).argParser((text: string) => {
    const parsed = parseDuration(text);
    if (parsed === null || parsed === 0 || parsed > LONGEST_MS) {
      throw new NinesError('E_USAGE', `${flags}: '${text}' is no duration from 1ms to 24d; write for example 90s or 500ms`);
    }
    return parsed;
  });
}

/** The lab that is meant: named, or of the topology here; without a topology here, the only one. Never another project's. */
export async function chosenLab(options: LabOptions): Promise<Lab> {
  try {
    return await findLab(options);
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES') throw error;
    throw new NinesError('E_PERMISSION', `${path} can be read by root alone`, { cause: error, hint: 'Run it as root: sudo npx nines ...' });
  }
}

async function findLab(options: LabOptions): Promise<Lab> {
  if (options.lab !== undefined) return readLab(MACHINE_PATHS.labsDir, options.lab);
  const labs = await listLabs(MACHINE_PATHS.labsDir);
  if (labs.length === 0) throw new NinesError('E_LAB_NOT_FOUND', 'there is no lab on this machine');
  const topology = await topologyName(options.config);
  const [found, ...others] = topology === null ? labs : await labsOf(labs, topology);
  const known = labs.map((lab) => lab.name).join(', ');
  const hint = "Name one with --lab, or run 'nines up' first.";
  if (found === undefined)
    throw new NinesError('E_LAB_NOT_FOUND', `there is no lab of topology '${topology}'; there are: ${known}`, { hint });
  if (others.length > 0) throw new NinesError('E_LAB_NOT_FOUND', `several labs are there: ${known}`, { hint });
  return found;
}

/** The lab of that name; else those that run that topology under another name. */
async function labsOf(labs: Lab[], topology: string): Promise<Lab[]> {
  const named = labs.find((lab) => lab.name === topology);
  if (named !== undefined) return [named];
  const names = await Promise.all(labs.map(labTopologyName));
  return labs.filter((_, index) => names[index] === topology);
}

async function labTopologyName(lab: Lab): Promise<string | null> {
  try {
    return (JSON.parse(await readFile(labPaths(lab).specFile, 'utf8')) as ClusterSpec).topology.name;
  } catch {
    return null; // It is only half-made.
  }
}

async function topologyName(config: string | undefined): Promise<string | null> {
  try {
    return (await loadProject(config, process.cwd())).topology.name;
  } catch (error) {
    if (!(error instanceof NinesError)) throw error;
    // Without a topology here, the labs of the machine are all there is to choose from; a file that is there must be right.
    if (config === undefined && error.code === 'E_CONFIG_NOT_FOUND') return null;
    throw new NinesError(error.code, error.message, {
      cause: error,
      details: error.details,
      hint: 'Correct it, or name the lab with --lab.',
    });
  }
}
