/** What pg_control says of a data directory: true whether a server runs or not. */
import { NinesError } from '../../../../errors/errors.ts';
import type { EngineIo } from '../../../engine.ts';
import { CONTROLDATA_BINARY } from '../../layout.ts';
import { parseLsn } from '../../lsn.ts';
import { POSTGRES_USER } from '../../plan.ts';
import { readControlFile } from './control-file.ts';

export interface ControlData {
  /** Decimal; greater than what a number can hold. */
  systemId: string;
  /** 'shut down', 'in production', 'in archive recovery', ... */
  state: string;
  /** Where the latest checkpoint's record begins. */
  checkpointLsn: number;
  /** From where it replays, at or before that record. */
  redoLsn: number;
  /** Timeline of that record. */
  timeline: number;
  /** A standby is consistent from there on (minRecoveryPoint); 0 of a server that was no standby. */
  neededLsn: number;
  /** The timeline of what lies before it; 0 like that. */
  neededTimeline: number;
  segmentBytes: number;
}

const TIMEOUT_MS = 10_000;

/** @throws NinesError E_DATA_FOREIGN when the folder has no pg_control of this version. */
export async function readControlData(dataDir: string, io: EngineIo, signal: AbortSignal): Promise<ControlData> {
  const known = await readControlFile(dataDir);
  if (known !== null) return known;
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  const { stdout } = await io.run([CONTROLDATA_BINARY, '-D', dataDir], { user: POSTGRES_USER, env, timeoutMs: TIMEOUT_MS, signal });
  return parseControlData(stdout, dataDir);
}

/** Pure. */
export function parseControlData(text: string, dataDir: string): ControlData {
  const values = new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
  const value = (name: string): string => {
    const found = values.get(name);
    if (found === undefined || found === '') throw new NinesError('E_DATA_FOREIGN', `pg_control of ${dataDir} says nothing of '${name}'`);
    return found;
  };
  const data = {
    systemId: value('Database system identifier'),
    state: value('Database cluster state'),
    checkpointLsn: parseLsn(value('Latest checkpoint location')),
    redoLsn: parseLsn(value("Latest checkpoint's REDO location")),
    timeline: Number(value("Latest checkpoint's TimeLineID")),
    neededLsn: parseLsn(value('Minimum recovery ending location')),
    neededTimeline: Number(value("Min recovery ending loc's timeline")),
    segmentBytes: Number(value('Bytes per WAL segment')),
  };
  const { systemId: _, state: __, ...numbers } = data;
  if (Object.values(numbers).every(Number.isSafeInteger)) return data;
  throw new NinesError('E_DATA_FOREIGN', `pg_control of ${dataDir} says nothing sound of its latest checkpoint`);
}
