import { describe, expect, it } from 'vitest';
import { ERRORS, EXIT, NinesError } from './errors.ts';

describe('the registry of errors', () => {
  it.each(Object.entries(ERRORS))('%s has a name of its kind, an exit code and what to do', (code, { exit, hint }) => {
    expect(code).toMatch(/^E_[A-Z]+(_[A-Z]+)*$/);
    expect(Object.values(EXIT)).toContain(exit);
    expect(exit).not.toBe(EXIT.good);
    expect(hint).toMatch(/^\S.*\.$/);
  });
});

describe('NinesError', () => {
  it('takes exit code and hint from the registry', () => {
    const error = new NinesError('E_USAGE', 'no such host');
    expect(error).toMatchObject({ name: 'NinesError', code: 'E_USAGE', message: 'no such host', exit: EXIT.usage, details: [] });
    expect(error.hint).toBe(ERRORS.E_USAGE.hint);
    expect('cause' in error).toBe(false);
  });

  it('carries a better hint, the details and the cause when it is given them', () => {
    const cause = new Error('below');
    const error = new NinesError('E_CONFIG_INVALID', 'wrong', { cause, hint: 'Do this.', details: ['a', 'b'] });
    expect(error).toMatchObject({ hint: 'Do this.', details: ['a', 'b'], cause });
  });
});
