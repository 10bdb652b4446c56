import { expect, it } from 'vitest';
import { parseControlData } from './control-data.ts';

const TEXT = `pg_control version number:            1300
Database system identifier:           7575839123456789012
Database cluster state:               shut down in recovery
pg_control last modified:             Sat 22 Nov 2025 11:58:42 PM UTC
Latest checkpoint location:           0/2000060
Latest checkpoint's REDO location:    0/2000028
Latest checkpoint's TimeLineID:       3
Latest checkpoint's PrevTimeLineID:   2
Minimum recovery ending location:     0/2000098
Min recovery ending loc's timeline:   3
Bytes per WAL segment:                16777216
`;

it('reads what is needed, and keeps an identifier that no number can hold', () => {
  expect(parseControlData(TEXT, '/data')).toEqual({
    systemId: '7575839123456789012',
    state: 'shut down in recovery',
    checkpointLsn: 0x2000060,
    redoLsn: 0x2000028,
    timeline: 3,
    neededLsn: 0x2000098,
    neededTimeline: 3,
    segmentBytes: 16777216,
  });
});

it('does not guess what is not there', () => {
  for (const [line, instead] of [
    ['Latest checkpoint location:           0/2000060', ''],
    ['0/2000060', 'somewhere'],
    ["Latest checkpoint's TimeLineID:       3", "Latest checkpoint's TimeLineID:"],
  ] as const) {
    expect(() => parseControlData(TEXT.replace(line, instead), '/data')).toThrow(/pg_control of \/data/);
  }
});
