/** Asks an instance how it is, as the gateway would. The kept probe lives as long as the process. */
import type { EngineIo, Observation, UnitContext } from '../engine.ts';
import { listenAddress, serviceNameOf, serviceTopology } from './placed-service.ts';
import { ServiceProbe } from './probe.ts';
import { type Asked, isGood, runningObservation, startingObservation } from './verdict.ts';

export async function observeService(context: UnitContext, io: EngineIo): Promise<Observation> {
  const { health } = serviceTopology(context.spec, serviceNameOf(context.unit));
  const { address, port } = listenAddress(context.spec, context.unit);
  const probe = io.keep(`probe ${address}:${port}`, () => new ServiceProbe(address, port));
  const ask = (path: string): Promise<Asked> => askWithin(probe, path, health.timeoutMs, io.signal);
  if (!probe.started) {
    const startup = await ask(health.startupPath);
    if (!isGood(startup)) return startingObservation(startup, health.startupPath);
    probe.started = true;
  }
  const [ready, live] = await Promise.all([ask(health.readyPath), ask(health.livePath)]);
  return runningObservation({ ready, live }, health);
}

async function askWithin(probe: ServiceProbe, path: string, timeoutMs: number, signal: AbortSignal): Promise<Asked> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await probe.ask(path, AbortSignal.any([signal, timeout]));
  } catch (error) {
    if (timeout.aborted) return { error: `no answer within ${timeoutMs} ms` };
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return { error: 'nothing listens there' };
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
