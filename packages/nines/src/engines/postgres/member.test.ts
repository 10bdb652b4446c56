import { expect, it } from 'vitest';
import type { EngineIo } from '../engine.ts';
import { endingBy } from './member.ts';

it.each(['life', 'control', 'command', 'call'])('ends a tool by the signal of the %s', async (ends) => {
  const of = { life: new AbortController(), control: new AbortController(), command: new AbortController(), call: new AbortController() };
  const signals: (AbortSignal | undefined)[] = [];
  const io = {
    signal: of.life.signal,
    run: (_argv: string[], options?: { signal?: AbortSignal }) => {
      signals.push(options?.signal);
      return Promise.resolve({ stdout: '', stderr: '' });
    },
  } as unknown as EngineIo;
  const nested = endingBy(endingBy(io, of.control.signal), of.command.signal);
  await nested.run(['tool'], { signal: of.call.signal });
  await nested.run(['tool']);
  expect(signals.map((signal) => signal?.aborted)).toEqual([false, false]);
  of[ends as keyof typeof of].abort();
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, ends !== 'call']);
});
