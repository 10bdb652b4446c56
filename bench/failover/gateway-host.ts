/** Which host of a lab holds the gateway's address. */
import { setTimeout as delay } from 'node:timers/promises';
import { execOnHost, type Lab } from '../../packages/nines/src/lab/index.ts';

const HOLDER_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/** Waits: who holds it is settled a moment after the hosts are ready. */
export async function gatewayHost(lab: Lab, address: string, signal: AbortSignal): Promise<string> {
  const argv = ['/usr/sbin/ip', '-o', 'addr', 'show', 'to', `${address}/32`];
  const startedMs = performance.now();
  while (performance.now() - startedMs < HOLDER_TIMEOUT_MS) {
    for (const host of Object.keys(lab.hosts)) {
      const { stdout } = await execOnHost(lab, host, argv, { signal, timeoutMs: 3_000 });
      if (stdout.trim() !== '') return host;
    }
    await delay(POLL_MS, undefined, { signal });
  }
  throw new Error('no host holds the address of the gateway');
}
