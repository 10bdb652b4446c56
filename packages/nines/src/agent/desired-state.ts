/**
 * The desired state as this host knows it: the newest that etcd ever showed, kept on disk. With etcd away nothing
 * stops and a restarted agent still knows its work.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { NinesError } from '../errors/errors.ts';
import type { ClusterSpec } from '../topology/cluster-spec.ts';
import { readText, writeFileAtomic } from './files.ts';

export class DesiredState {
  readonly #file: string;
  #spec: ClusterSpec;

  /** Throws E_CONFIG_INVALID when the file is missing or not a spec. */
  constructor(file: string, host: string) {
    this.#file = file;
    const text = readText(file);
    if (text === null) throw new NinesError('E_CONFIG_INVALID', `no desired state at ${file}`);
    this.#spec = parseSpec(text, host);
  }

  get spec(): ClusterSpec {
    return this.#spec;
  }

  /** True when it is newer than what the host had; then it is on disk before this returns. */
  accept(spec: ClusterSpec): boolean {
    if (spec.revision <= this.#spec.revision || spec.topology.name !== this.#spec.topology.name) return false;
    saveSpec(this.#file, spec);
    this.#spec = spec;
    return true;
  }
}

export function saveSpec(file: string, spec: ClusterSpec): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileAtomic(file, `${JSON.stringify(spec)}\n`, { mode: 0o600 });
}

/** A spec is written by `nines` alone, after the schema; here only what would make an agent act wrongly is refused. */
export function parseSpec(text: string, host: string): ClusterSpec {
  let value: Partial<ClusterSpec> | null;
  try {
    value = JSON.parse(text) as Partial<ClusterSpec> | null;
  } catch (cause) {
    throw new NinesError('E_CONFIG_INVALID', 'the desired state is not JSON', { cause });
  }
  const wrong = firstWrongField(value, host);
  if (wrong !== null) throw new NinesError('E_CONFIG_INVALID', `the desired state is wrong at ${wrong}`);
  return value as ClusterSpec;
}

function firstWrongField(value: Partial<ClusterSpec> | null, host: string): string | null {
  if (typeof value !== 'object' || value === null) return 'its root: not an object';
  if (!Number.isInteger(value.revision)) return 'revision: not a whole number';
  if (typeof value.topology?.name !== 'string') return 'topology.name: not a text';
  if (!Array.isArray(value.placement?.units)) return 'placement.units: not a list';
  if (typeof value.hosts?.[host]?.address !== 'string') return `hosts.${host}.address: not a text`;
  return null;
}
