import { describe, expect, it } from 'vitest';
import { type MachineReport } from '../engines/machine/report.ts';
import { doctorText } from './doctor.ts';
import { style } from './terminal/style.ts';

const report: MachineReport = {
  ready: false,
  checks: [
    { kind: 'engine', name: 'haproxy', wanted: '>= 2.6', found: 'no /usr/sbin/haproxy', state: 'missing' },
    { kind: 'kernel', name: 'bridges', wanted: 'yes', found: 'yes', state: 'ok' },
  ],
  packages: ['haproxy'],
  install: 'sudo apt-get install haproxy',
  notes: ['A note.'],
};

describe('doctorText', () => {
  it('shows every check, the notes, and the line to run on a line of its own', () => {
    const text = doctorText(report, style({}, {}));
    expect(text).toMatch(/^missing {2}engine {2}haproxy/m);
    expect(text).toMatch(/^ok {7}kernel {2}bridges/m);
    expect(text).toContain('\nA note.\n');
    expect(text).toContain('\n  sudo apt-get install haproxy\n');
    expect(text).toContain('cannot run the lab yet');
  });

  it('has no line to run when nothing is missing', () => {
    const text = doctorText({ ...report, ready: true, install: null, notes: [] }, style({}, {}));
    expect(text).not.toContain('Install');
    expect(text).toContain('can run the lab');
  });
});
