import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Member, NoAnswerError, RefusedError } from './gateway.ts';
import { type Attempt, hedged, HedgeError } from './hedge.ts';
import { MemberList } from './member-list.ts';

type Behaviour = 'answers' | 'frozen' | 'frozen unreached' | 'breaks' | 'breaks unreached' | 'refuses';

/** Three members that behave as told; records who was asked and who was let go. */
function scene(...behaviours: [Behaviour, Behaviour, Behaviour]) {
  const members = new MemberList(['https://a:1', 'https://b:1', 'https://c:1']);
  const asked: string[] = [];
  const ended: string[] = [];
  const attempt: Attempt<string> = async (member: Member, signal, reached) => {
    asked.push(member.hostname);
    const behaviour = behaviours[members.members.indexOf(member)]!;
    if (!behaviour.endsWith('unreached')) reached();
    if (behaviour === 'answers') return member.hostname;
    if (behaviour === 'refuses') throw new RefusedError('no space', 8);
    if (behaviour.startsWith('breaks')) throw new NoAnswerError(`${member.hostname} broke`);
    return await new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => (ended.push(member.hostname), reject(new Error('let go')))),
    );
  };
  const ask = async (signal?: AbortSignal) => {
    const answer = hedged({ members, hedgeAfterMs: 20, timeoutMs: 150, signal }, attempt);
    answer.catch(() => undefined);
    await vi.runAllTimersAsync();
    return await answer;
  };
  return { members, asked, ended, ask, first: () => members.order(performance.now())[0]?.hostname };
}

const failure = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => expect.unreachable(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HedgeError);
  return error as HedgeError;
};

// Time passes only in steps of the timers: what is asked when does not depend on how busy the machine is.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a hedged call', () => {
  test('asks one member when it answers', async () => {
    const { ask, asked } = scene('answers', 'answers', 'answers');
    expect(await ask()).toMatchObject({ value: 'a', contended: false });
    expect(asked).toEqual(['a']);
  });

  test('asks a second one when the first is silent, lets the first go, and asks it last from then on', async () => {
    const { ask, asked, ended, first } = scene('frozen', 'answers', 'answers');
    expect(await ask()).toMatchObject({ value: 'b', contended: true });
    expect(asked).toEqual(['a', 'b']);
    expect(ended).toEqual(['a']);
    expect(first()).toBe('b');
  });

  test('is not contended when the silent one was never reached', async () => {
    const { ask } = scene('frozen unreached', 'answers', 'answers');
    expect(await ask()).toMatchObject({ value: 'b', contended: false });
  });

  test('a broken answer leads on at once and leaves open what it did', async () => {
    const { ask } = scene('breaks', 'breaks unreached', 'answers');
    expect(await ask()).toMatchObject({ value: 'c', contended: true });
  });

  test('ends at its deadline when all are frozen, and says whether one was reached; asks them all in turn until then', async () => {
    const startedMs = performance.now();
    const { ask, asked } = scene('frozen', 'frozen', 'frozen');
    const reached = await failure(ask());
    expect(performance.now() - startedMs).toBe(150);
    expect(reached.reached).toBe(true);
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
    expect((await failure(scene('breaks unreached', 'frozen unreached', 'breaks unreached').ask())).reached).toBe(false);
  });

  test('goes on while members are there but do not do it, at the pace of the hedge', async () => {
    const { ask, asked } = scene('breaks', 'breaks', 'breaks unreached');
    expect(await failure(ask())).toMatchObject({ reached: true });
    expect(asked).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('fails at once when nobody listens anywhere', async () => {
    const startedMs = performance.now();
    expect((await failure(scene('breaks unreached', 'breaks unreached', 'breaks unreached').ask())).reached).toBe(false);
    expect(performance.now() - startedMs).toBe(0);
  });

  test('a refusal is the answer; it is unsure only when another member was reached', async () => {
    expect(await failure(scene('refuses', 'answers', 'answers').ask())).toMatchObject({ reached: false, refusal: { grpcCode: 8 } });
    expect(await failure(scene('frozen', 'refuses', 'answers').ask())).toMatchObject({ reached: true, refusal: { grpcCode: 8 } });
  });

  test('ends with its caller', async () => {
    const controller = new AbortController();
    const { ask, ended } = scene('frozen', 'frozen', 'frozen');
    const ending = failure(ask(controller.signal));
    controller.abort();
    await ending;
    expect(ended).toEqual(['a']);
    await failure(scene('answers', 'answers', 'answers').ask(AbortSignal.abort()));
  });
});
