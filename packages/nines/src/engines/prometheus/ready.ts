/** Prometheus and Alertmanager answer `/-/ready` in the same way. */
import { get } from 'node:http';
import type { EngineIo, Observation } from '../engine.ts';

/** Never rejects: not answering is an observation too. */
export async function observeReady(name: string, address: string, port: number, io: EngineIo): Promise<Observation> {
  try {
    const status = await statusOf(`http://${address}:${port}/-/ready`, io.signal);
    if (status === 200) return { ready: true, live: true, reason: `${name} answers` };
    return { ready: false, live: true, reason: `${name} is starting (status ${status})` };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return { ready: false, live: false, reason: `${name} does not answer: ${words}` };
  }
}

function statusOf(url: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
  });
}
