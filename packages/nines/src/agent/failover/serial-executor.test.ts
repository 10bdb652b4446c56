import { describe, expect, it } from 'vitest';
import type { FoundMember } from '../../engines/postgres/control.ts';
import type { PostgresEvent } from '../../failover/events.ts';
import { SerialExecutor } from './serial-executor.ts';

const FOUND: FoundMember = { systemId: 's', promise: 3, taint: 0, postgres: { mode: 'down' } };
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

function stage(execute: (signal: AbortSignal) => Promise<PostgresEvent>, boot: () => Promise<FoundMember> = async () => FOUND) {
  const ending = new AbortController();
  const seen = { executed: 0, said: [] as string[] };
  const executor = new SerialExecutor({
    control: {
      execute: (_, signal) => {
        seen.executed += 1;
        return execute(signal);
      },
      boot,
    },
    signal: ending.signal,
    log: (message) => void seen.said.push(message),
  });
  return { executor, ending, seen };
}

describe('SerialExecutor', () => {
  it('gives control no command when its agent has ended', async () => {
    const { executor, ending, seen } = stage(async () => ({ kind: 'taintCleared' }));
    ending.abort(new Error('the agent ends'));
    await expect(executor.run({ kind: 'clearTaint' })).rejects.toThrow('the agent ends');
    expect(seen.executed).toBe(0);
  });

  it('answers an abandoned command with what is there, looked for until it is seen', async () => {
    let looks = 0;
    const { executor } = stage(aborted, async () => {
      looks += 1;
      if (looks === 1) throw new Error('not yet');
      return FOUND;
    });
    const answer = executor.run({ kind: 'rebuild', leader: 'n2', term: 2 });
    expect(executor.running?.kind).toBe('rebuild');
    await expect(executor.run({ kind: 'start' })).rejects.toThrow('while rebuild runs');
    executor.abandon('another leader');
    expect(await answer).toEqual({ kind: 'failed', postgres: FOUND.postgres, promise: 3, taint: 0 });
    expect(executor.running).toBe(null);
  });
});
