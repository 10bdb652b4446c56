/** Closed-loop load: wrk where it is installed, else undici in this process. */
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Pool } from 'undici';

const WRK = '/usr/bin/wrk';
const CONNECTIONS = 32;

export interface Scenario {
  name: string;
  method: 'GET' | 'PUT';
  bodyBytes: number;
}

export interface LoadFigures {
  requests: number;
  failed: number;
  requestsPerSecond: number;
}

export function loadTool(): 'wrk' | 'undici' {
  return existsSync(WRK) ? 'wrk' : 'undici';
}

export function load(url: string, scenario: Scenario, seconds: number, folder: string): Promise<LoadFigures> {
  return loadTool() === 'wrk' ? byWrk(url, scenario, seconds, folder) : byUndici(url, scenario, seconds);
}

async function byWrk(url: string, scenario: Scenario, seconds: number, folder: string): Promise<LoadFigures> {
  const script = join(folder, 'request.lua');
  const body = `wrk.method = "${scenario.method}"\n${scenario.bodyBytes > 0 ? `wrk.body = string.rep("x", ${scenario.bodyBytes})\n` : ''}`;
  const report =
    'done = function(summary)\n' +
    '  local e = summary.errors\n' +
    '  print("FIGURES", summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration)\n' +
    'end\n';
  writeFileSync(script, body + report);
  const argv = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '-s', script, url];
  const { stdout } = await promisify(execFile)(WRK, argv, { timeout: (seconds + 20) * 1000 });
  const figures = /FIGURES\s+(\d+)\s+(\d+)\s+(\d+)/.exec(stdout);
  if (figures === null) throw new Error(`wrk said nothing that is understood:\n${stdout}`);
  const [requests, failed, microseconds] = figures.slice(1).map(Number) as [number, number, number];
  return { requests, failed, requestsPerSecond: (requests - failed) / (microseconds / 1e6) };
}

async function byUndici(url: string, scenario: Scenario, seconds: number): Promise<LoadFigures> {
  const pool = new Pool(url, { connections: CONNECTIONS });
  const body = scenario.bodyBytes > 0 ? Buffer.alloc(scenario.bodyBytes, 'x') : null;
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  let requests = 0;
  let failed = 0;
  const worker = async () => {
    while (performance.now() < endsAt) {
      const answer = await pool.request({ method: scenario.method, path: '/', body, signal: AbortSignal.timeout(5_000) }).catch(() => null);
      requests += 1;
      if (answer?.statusCode !== 200) failed += 1;
      await answer?.body.dump();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  await pool.close();
  return { requests, failed, requestsPerSecond: (requests - failed) / ((performance.now() - startedAt) / 1000) };
}
