/** What was measured in the peers' libraries happens there, and not here. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFECTS, type Library } from '../bench/policies/defects.ts';

/** Where each was seen; a peer that mends one is to be crossed out here, and in the docs. */
const SEEN: Record<string, Library[]> = {
  'the time-out of one call aborts the others': ['opossum'],
  'a full bulkhead opens the circuit': ['opossum', 'cockatiel'],
  'a success from before the opening closes a half-open circuit': ['opossum'],
  'a failure from before the opening opens a half-open circuit again': ['opossum', 'cockatiel'],
  'a restored circuit forgets how long it has still to be open': ['opossum'],
  'by default the first failure opens the circuit': ['opossum'],
  'a half-open circuit cannot be probed by two calls at once': ['opossum'],
  'callers queue up behind a probe that hangs': ['cockatiel'],
  'a retry that was given up waits out its pause and calls again': ['cockatiel'],
  'each failure sorts all that the window holds': ['opossum'],
};

describe('a defect of the peers', () => {
  beforeEach(
    () => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] }),
  );
  afterEach(() => void vi.useRealTimers());

  it.each(DEFECTS)('is where it was seen, and not here: $what', async ({ what, happens }) => {
    const seen: string[] = [];
    for (const [library, check] of Object.entries(happens)) {
      if (await check(async (ms) => void (await vi.advanceTimersByTimeAsync(ms)))) seen.push(library);
    }
    expect(seen).toEqual(SEEN[what]);
  });

  it('is one of this list', () => expect(Object.keys(SEEN)).toEqual(DEFECTS.map(({ what }) => what)));
});
