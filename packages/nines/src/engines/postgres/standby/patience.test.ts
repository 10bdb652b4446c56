import { describe, expect, it } from 'vitest';
import { patiently } from './patience.ts';

const refusal = (code: string) => Object.assign(new Error(`refused: ${code}`), { code });
const SILENT = new Error('timeout expired');

/** Answers by the list, the last one again and again. */
function server(...answers: (Error | string)[]) {
  const seen = { tries: 0, logged: [] as string[], isRunning: true };
  const ending = new AbortController();
  const answered = () =>
    patiently(
      async () => {
        const answer = answers[Math.min(seen.tries, answers.length - 1)];
        seen.tries += 1;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      {
        ...{ isRunning: () => seen.isRunning, log: (message) => void seen.logged.push(message), signal: ending.signal },
        ...{ silenceMs: 60, crowdedMs: 200, pollMs: 5 },
      },
    );
  return { seen, ending, answered };
}

const tookMs = async (work: Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
};

describe('patiently', () => {
  it.each([
    ['one question is unanswered', [SILENT, 'standby']],
    ['all connections are taken for a moment', [refusal('53300'), refusal('53300'), 'standby']],
    ['its socket is not there yet', [refusal('ENOENT'), 'standby']],
  ])('keeps a server of which %s', async (_, answers) => {
    const { answered, seen } = server(...answers);
    expect(await answered()).toBe('standby');
    expect(seen.logged).toHaveLength(1);
  });

  it('gives one up that stays silent, after several tries', async () => {
    const { answered, seen } = server(SILENT);
    const ms = await tookMs(answered().then((answer) => expect(answer).toBe(null)));
    expect(ms).toBeGreaterThanOrEqual(55);
    expect(seen.tries).toBeGreaterThan(2);
    expect(seen.logged.at(-1)).toContain('does not say what it is: Error: timeout');
  });

  it('waits longer for one that is full: that is an answer', async () => {
    const ms = await tookMs(server(refusal('53300')).answered());
    expect(ms).toBeGreaterThanOrEqual(190);
  });

  it('does not wait for one that starts or stops, or is gone', async () => {
    for (const code of ['57P01', '57P03']) {
      const { answered, seen } = server(refusal(code));
      expect(await answered()).toBe(null);
      expect(seen.tries).toBe(1);
    }
    const { answered, seen } = server(SILENT);
    seen.isRunning = false;
    expect(await answered()).toBe(null);
    expect(seen.tries).toBe(1);
  });

  it('ends by its signal', async () => {
    const { answered, ending } = server(SILENT);
    const answer = answered();
    ending.abort(new Error('the agent ends'));
    await expect(answer).rejects.toThrow('the agent ends');
  });
});
