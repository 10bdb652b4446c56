import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../clock/testing/simulated-clock.ts';
import { AbortListener, CallContext, withinMs } from './call.ts';

class Ear extends AbortListener {
  readonly heard: unknown[] = [];

  override aborted(reason: unknown): void {
    this.heard.push(reason);
  }
}

const root = () => new CallContext(new SimulatedClock(), null, { deadlineMs: 1_000, attempt: 1, idempotent: true, priority: 'low' });

describe('CallContext', () => {
  it('hands down what it carries, and never a later deadline', () => {
    const child = root().child(2_000, 3);
    expect(child).toMatchObject({ deadlineMs: 1_000, attempt: 3, idempotent: true, priority: 'low' });
    expect(child.child(500).deadlineMs).toBe(500);
    expect(child.remainingMs()).toBe(1_000);
  });

  it('is given up with its parent: the signal, those who listen, and who asks later', () => {
    const parent = root();
    const child = parent.child(Infinity).child(Infinity);
    const { signal } = child;
    const ear = new Ear();
    child.listen(ear);
    const reason = new Error('enough');
    parent.abort(reason);
    expect(signal).toMatchObject({ aborted: true, reason });
    expect(ear.heard).toEqual([reason]);
    expect(parent.child(Infinity).signal).toMatchObject({ aborted: true, reason });
    const late = new Ear();
    child.listen(late);
    expect(late.heard).toEqual([reason]);
  });

  it('a parent is not given up with its child', () => {
    const parent = root();
    parent.child(Infinity).abort(new Error('lost'));
    expect(parent).toMatchObject({ isAborted: false, reason: null });
  });

  it('keeps nobody who is through with it', () => {
    const parent = root();
    const released = parent.child(Infinity);
    const { signal } = released;
    released.release();
    parent.abort(new Error('later'));
    expect(signal.aborted).toBe(false);
  });

  it('tells every listener below exactly once, unless it left before', () => {
    const step = fc.record({ parent: fc.nat(9), kind: fc.constantFrom('child', 'listen', 'unlisten', 'abort'), ear: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (story) => {
        const nodes: { context: CallContext; above: number | null; aborted: boolean }[] = [
          { context: root(), above: null, aborted: false },
        ];
        const ears: { ear: Ear; at: number | null; expected: number }[] = [];
        const isUnder = (node: number, top: number): boolean =>
          node === top || (nodes[node]!.above !== null && isUnder(nodes[node]!.above, top));
        for (const { parent, kind, ear } of story) {
          const at = parent % nodes.length;
          const node = nodes[at]!;
          if (kind === 'child') nodes.push({ context: node.context.child(Infinity), above: at, aborted: node.aborted });
          else if (kind === 'listen') {
            const one = new Ear();
            node.context.listen(one);
            ears.push({ ear: one, at: node.aborted ? null : at, expected: node.aborted ? 1 : 0 });
          } else if (kind === 'unlisten') {
            const known = ears[ear];
            if (known === undefined || known.at === null) continue;
            nodes[known.at]!.context.unlisten(known.ear);
            known.at = null;
          } else {
            node.context.abort(new Error('end'));
            for (const [index, each] of nodes.entries()) each.aborted ||= isUnder(index, at);
            for (const each of ears.filter((one) => one.at !== null && isUnder(one.at, at))) {
              each.expected = 1;
              each.at = null;
            }
          }
        }
        expect(ears.map(({ ear: { heard } }) => heard.length)).toEqual(ears.map(({ expected }) => expected));
        expect(nodes.map(({ context }) => context.isAborted)).toEqual(nodes.map(({ aborted }) => aborted));
      }),
    );
  });
});

it('gives drivers a limit that is whole and never 0, also when no time is left', () => {
  const within = (remainingMs: number, limitMs: number): number => withinMs({ remainingMs: () => remainingMs }, limitMs);
  expect([within(100, 40), within(30.7, 40), within(-5, 40), within(0.5, Infinity), within(70, Infinity)]).toEqual([40, 30, 1, 1, 70]);
});
