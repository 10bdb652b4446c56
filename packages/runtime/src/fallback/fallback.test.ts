import { describe, expect, it } from 'vitest';
import { SimulatedClock, settled } from '../clock/testing/simulated-clock.ts';
import { compose } from '../policy/compose.ts';
import { timeout } from '../timeout/timeout.ts';
import { fallback } from './fallback.ts';
import { rejection } from '../call/testing/rejection.ts';

describe('fallback', () => {
  it('answers for what failed, and only then', async () => {
    const policy = fallback((error, { attempt }) => `${String(error)} ${attempt}`);
    expect(await policy.execute(() => 'answer')).toBe('answer');
    expect(await policy.execute(() => Promise.reject(new Error('no')))).toBe('Error: no 1');
  });

  it('rejects with what is none of its business, and with its own error', async () => {
    const policy = fallback(() => Promise.reject(new Error('nor that')), { fallbackIf: (error) => String(error) !== 'Error: 404' });
    await expect(policy.execute(() => Promise.reject(new Error('404')))).rejects.toThrow('404');
    await expect(policy.execute(() => Promise.reject(new Error('no')))).rejects.toThrow('nor that');
  });

  it('answers for a deadline, and not for a caller that has gone', async () => {
    const clock = new SimulatedClock();
    const policy = compose(
      fallback(() => 'old', { clock }),
      timeout({ ms: 100, clock }),
    );
    const late = policy.execute(() => new Promise(() => undefined));
    await clock.advance(100);
    expect(await late).toBe('old');
    const giveUp = new AbortController();
    const gone = rejection(policy.execute(() => new Promise(() => undefined), { signal: giveUp.signal }));
    await settled();
    giveUp.abort(new Error('gone'));
    expect(String(await gone)).toContain('gone');
  });
});
