import { expect, it } from 'vitest';
import { MachineWatch, workMs } from '../bench/failover/machine.ts';
import { monotonicMs } from '../bench/failover/writers/protocol.ts';

it('sees what the machine has left, and how fast it is', async () => {
  const watch = new MachineWatch();
  try {
    const fromMs = monotonicMs();
    while (monotonicMs() - fromMs < 150) expect(workMs()).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const { idle, steal } = watch.shares({ fromMs, toMs: monotonicMs() });
    expect(idle + steal).toBeLessThanOrEqual(1.01);
    // One core was busy half of the time.
    expect(idle).toBeLessThan(1);
    expect(watch.shares({ fromMs, toMs: fromMs - 1_000 })).toEqual({ idle: 0, steal: 0 });
  } finally {
    watch.stop();
  }
});
