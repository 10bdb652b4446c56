import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseControlFile } from './control-file.ts';

/** The first 292 bytes of a pg_control of PostgreSQL 15.20 with its checksum, by what pg_controldata says of the same file. */
const REAL = Buffer.from(
  'cc99ac34bc92036b1405000025770d0c0100000000000000bd92036b00000000701a910000000000701a91000000000001000000010000000100000000000000d402000000000000053500000100000000000000cc02000001000000010000000100000000000000bd92036b0000000000000000000000000000000000000000e803000000000000000000000000000000000000000000000000000000000000000000000000000000000000010000000000000064000000080000000a000000000000004000000000000000080000000000000087d63241002000000000020000200000000040004000000020000000cc070000000800000100000000000000db5a92c57dc105610bded5441919efe9196a908c52b9570acd2b62999545ca2b891279a8',
  'hex',
);
const SAID = {
  systemId: '7711168324023654860',
  state: 'shut down',
  checkpointLsn: 0x911a70,
  redoLsn: 0x911a70,
  timeline: 1,
  neededLsn: 0,
  neededTimeline: 0,
  segmentBytes: 4194304,
};

describe('pg_control', () => {
  it('is read as pg_controldata reads it', () => {
    expect(parseControlFile(REAL)).toEqual(SAID);
    // The file is 8 kB long.
    expect(parseControlFile(Buffer.concat([REAL, Buffer.alloc(7900)]))).toEqual(SAID);
  });

  it('is nothing when a bit of it is another, or it is cut short, or of another format', () => {
    fc.assert(
      fc.property(fc.nat(REAL.length * 8 - 1), (bit) => {
        const changed = Buffer.from(REAL);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(parseControlFile(changed)).toBeNull();
      }),
    );
    for (let bytes = 0; bytes < REAL.length; bytes += 1) expect(parseControlFile(REAL.subarray(0, bytes))).toBeNull();
  });
});
