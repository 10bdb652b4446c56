/** The service that `nines init` writes, as the gateway and the agent see it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SERVER = fileURLToPath(new URL('../../templates/service/server.ts', import.meta.url));

let service: ChildProcess;
let address = '';
let output = '';

beforeEach(async () => {
  output = '';

  service = spawn(process.execPath, [SERVER], { env: { HOST: '127.0.10.91', PORT: '38391' }, stdio: ['ignore', 'pipe', 'pipe'] });
  service.stderr?.on('data', (text) => {
    output += text;
  });
  await once(service.stdout as NodeJS.ReadableStream, 'data', { signal: AbortSignal.timeout(10_000) });
  address = 'http://127.0.10.91:38391';
});

afterEach(async () => {
  if (service.exitCode === null && service.signalCode === null) {
    service.kill('SIGKILL');
    await once(service, 'exit');
  }
});

async function status(path: string): Promise<number> {
  const response = await fetch(address + path, { signal: AbortSignal.timeout(2_000) });
  await response.arrayBuffer();
  return response.status;
}

describe('the service of nines init', () => {
  it('answers its checks and counts its requests', async () => {
    for (const path of ['/', '/livez', '/startupz', '/ready', '/healthz', '/metrics']) expect(await status(path)).toBe(200);
    expect(await status('/nothing')).toBe(404);
    const metrics = await (await fetch(`${address}/metrics`)).text();
    expect(metrics).toContain('http_requests_total{status="404"} 1');
  });

  it('stops without breaking a request: not ready first, still serving, then exit 0', async () => {
    const exited = once(service, 'exit', { signal: AbortSignal.timeout(10_000) });
    service.kill('SIGTERM');
    await expect.poll(() => status('/ready'), { timeout: 500, interval: 10 }).toBe(503);
    expect(await status('/livez')).toBe(200);
    expect(await status('/')).toBe(200);
    const response = await fetch(address);
    expect(response.headers.get('connection')).toBe('close');
    await response.arrayBuffer();
    expect(await exited).toEqual([0, null]);
    expect(output).toBe('');
  });

  it('finishes a request that is in flight when it stops', async () => {
    const socket = connect(38_391, '127.0.10.91');
    await once(socket, 'connect');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    const exited = once(service, 'exit', { signal: AbortSignal.timeout(10_000) });
    service.kill('SIGTERM');
    await expect.poll(() => status('/ready'), { timeout: 500, interval: 10 }).toBe(503);
    socket.end('\r\n');
    const [answer] = await once(socket, 'data', { signal: AbortSignal.timeout(5_000) });
    expect(String(answer)).toContain('HTTP/1.1 200 OK');
    socket.destroy();
    expect(await exited).toEqual([0, null]);
  });
});
