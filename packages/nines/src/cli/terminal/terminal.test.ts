import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duration } from './duration.ts';
import { Progress } from './progress.ts';
import { hasColours, plain, style } from './style.ts';
import { table } from './table.ts';

describe('style', () => {
  it('colours a terminal only, and honours NO_COLOR', () => {
    expect(hasColours({ isTTY: true }, {})).toBe(true);
    expect(hasColours({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(hasColours({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(hasColours({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(hasColours({}, {})).toBe(false);
    expect(style({}, {}).red('x')).toBe('x');
    expect(plain(style({ isTTY: true }, {}).red('x'))).toBe('x');
    expect(style({ isTTY: true }, {}).red('x')).not.toBe('x');
  });
});

describe('table', () => {
  it('aligns words to the left, numbers to the right, null as a dash', () => {
    const text = table(
      [
        ['kill an instance', 12, null],
        ['cut', 1200, 'yes'],
      ],
      ['step', 'requests', 'held'],
    );
    expect(text.split('\n')).toEqual([
      'step              requests  held',
      '----------------  --------  ----',
      'kill an instance        12  -',
      'cut                   1200  yes',
    ]);
  });

  it('does not count colour codes as width', () => {
    const red = style({ isTTY: true }, {}).red;
    const lines = table([
      [red('a'), 'x'],
      ['bb', 'y'],
    ])
      .split('\n')
      .map(plain);
    expect(lines).toEqual(['a   x', 'bb  y']);
  });

  it('puts every column at one place, whatever the rows', () => {
    const word = fc.stringMatching(/^[a-z]{1,9}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { minLength: 1 }), (rows) => {
        const starts = table(rows)
          .split('\n')
          .map((line, i) => line.lastIndexOf(`  ${rows[i]?.[1]}`));
        expect(new Set(starts).size).toBe(1);
      }),
    );
  });

  it('has no lines without rows', () => {
    expect(table([])).toBe('');
  });
});

describe('duration', () => {
  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [12_340, '12.3 s'],
    [59_960, '1 min 0 s'],
    [125_000, '2 min 5 s'],
  ])('%d -> %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe('Progress', () => {
  function recorder(isTTY: boolean) {
    let written = '';
    let now = 0;
    const progress = new Progress({
      stream: { isTTY, columns: 40, write: (text) => (written += text) },
      env: { NO_COLOR: '1' },
      now: () => now,
    });
    return { progress, text: () => written, tick: (ms: number) => (now += ms) };
  }

  it('writes plain lines in a pipe', () => {
    const { progress, text, tick } = recorder(false);
    const first = progress.step('install engines');
    tick(1500);
    first.update('3 of 9');
    first.done('9 packages');
    progress.step('start etcd').failed('see etcd.log');
    progress.note('a note');
    progress.close();
    expect(text()).toBe(
      'install engines ...\nok install engines (1.5 s): 9 packages\nstart etcd ...\nFAILED start etcd (0 ms): see etcd.log\na note\n',
    );
  });

  it('keeps running steps below the finished ones on a terminal, cut to its width', () => {
    const { progress, text, tick } = recorder(true);
    const etcd = progress.step('etcd');
    const redis = progress.step('redis');
    redis.update('x'.repeat(200));
    tick(50);
    etcd.done();
    progress.close();
    const lines = text().split('\n');
    expect(lines.every((line) => line.replaceAll(/\u001b\[\d+[AJ]/g, '').length <= 40)).toBe(true);
    expect(text()).toContain('\u001b[2A\u001b[0Jok etcd (50 ms)\n.. redis');
    expect(text().endsWith('\u001b[1A\u001b[0J')).toBe(true);
  });

  it('counts the first end of a step only', () => {
    const { progress, text } = recorder(false);
    const step = progress.step('a');
    step.failed('no');
    step.done();
    expect(text()).toBe('a ...\nFAILED a (0 ms): no\n');
    progress.close();
  });
});
