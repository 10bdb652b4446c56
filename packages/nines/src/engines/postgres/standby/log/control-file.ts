/**
 * global/pg_control as PostgreSQL 15 writes it (format 1300), read without a process: a failover would wait for one, and longest on a
 * busy machine. Pure but for `readControlFile`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlData } from './control-data.ts';

const FORMAT = 1300;
/** Offsets of its fields, all little-endian. */
const AT = {
  systemId: 0,
  format: 8,
  state: 16,
  checkpoint: 32,
  redo: 40,
  timeline: 48,
  neededLsn: 136,
  neededTimeline: 144,
  segmentBytes: 228,
  checksum: 288,
} as const;
/** As pg_controldata says them, by number. */
const STATES = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
] as const;
/** Reflected polynomial of CRC-32C. */
const POLYNOMIAL = 0x82f63b78;

/** Null: it is not there, of another format, or was read while it was written. The tool knows more. */
export async function readControlFile(dataDir: string): Promise<ControlData | null> {
  const content = await readFile(join(dataDir, 'global', 'pg_control')).catch(() => null);
  return content === null ? null : parseControlFile(content);
}

export function parseControlFile(content: Buffer): ControlData | null {
  if (content.length < AT.checksum + 4 || content.readUInt32LE(AT.format) !== FORMAT) return null;
  if (crc32c(content.subarray(0, AT.checksum)) !== content.readUInt32LE(AT.checksum)) return null;
  const state = STATES[content.readUInt32LE(AT.state)];
  const [checkpointLsn = NaN, redoLsn = NaN, neededLsn = NaN] = [AT.checkpoint, AT.redo, AT.neededLsn].map((at) =>
    Number(content.readBigUInt64LE(at)),
  );
  if (state === undefined || ![checkpointLsn, redoLsn, neededLsn].every(Number.isSafeInteger)) return null;
  return {
    systemId: String(content.readBigUInt64LE(AT.systemId)),
    state,
    checkpointLsn,
    redoLsn,
    timeline: content.readUInt32LE(AT.timeline),
    neededLsn,
    neededTimeline: content.readUInt32LE(AT.neededTimeline),
    segmentBytes: content.readUInt32LE(AT.segmentBytes),
  };
}

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : POLYNOMIAL);
  }
  return ~crc >>> 0;
}
