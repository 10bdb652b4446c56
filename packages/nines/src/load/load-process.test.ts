import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONTRACT } from './contract.ts';
import { readHistory } from './history-file.ts';
import { LoadProcess } from './load-process.ts';
import type { LoadSettings } from './protocol.ts';
import { OrdersTwin } from './testing/orders-twin.ts';

let folder: string;
let twin: OrdersTwin;
let load: LoadProcess | null = null;
let settings: LoadSettings;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nines-load-'));
  twin = new OrdersTwin();
  const target = await twin.listen('127.0.25.2');
  settings = {
    target,
    ratePerSecond: 300,
    rampMs: 0,
    customers: 10,
    runId: 'test',
    contract: CONTRACT,
    maxConnections: 500,
    freshEvery: 20,
    historyFile: join(folder, 'history.ndjson'),
  };
});

afterEach(async () => {
  await load?.kill();
  load = null;
  await twin.die();
  await rm(folder, { recursive: true });
});

describe('the load process', () => {
  it('runs, ticks, and writes every request and mark into its history', async () => {
    const signal = AbortSignal.timeout(10_000);
    load = await LoadProcess.start(settings, signal);
    const atMs = load.nowMs();
    expect(atMs).toBeGreaterThanOrEqual(0);
    load.mark('kill', atMs);
    const tick = await load.tickWhen((one) => one.counts.requests >= 150, signal);
    expect(tick).toMatchObject({ counts: { failed: 0, disturbed: 0 }, lastDisturbedDueMs: null });
    const summary = await load.stop(signal);
    const records = await readHistory(settings.historyFile);
    expect(records).toHaveLength(summary.counts.requests);
    expect(records.filter((record) => record.f === 'placeOrder' && record.class === 'ok')).toHaveLength(summary.counts.acknowledgedOrders);
    expect(twin.orders).toHaveLength(summary.counts.acknowledgedOrders);
    expect(summary.cpu.share).toBeGreaterThan(0);
    expect(summary.service.p50Ms).toBeLessThanOrEqual(summary.intended.p50Ms);
    expect(await readFile(settings.historyFile, 'utf8')).toContain(`{"mark":"kill","atMs":${atMs}}`);
  });

  it('sees a disturbance in its ticks', async () => {
    const signal = AbortSignal.timeout(10_000);
    load = await LoadProcess.start(settings, signal);
    await load.tickWhen((tick) => tick.counts.requests > 20, signal);
    twin.fate = () => ({ kind: 'refuse', status: 500 });
    const tick = await load.tickWhen((one) => one.counts.failed > 5, signal);
    expect(tick.lastDisturbedDueMs).toBeGreaterThan(0);
  });

  it('says why it cannot start, and leaves no process', async () => {
    const signal = AbortSignal.timeout(20_000);
    const settled = LoadProcess.start({ ...settings, historyFile: join(folder, 'missing', 'history.ndjson') }, signal);
    await expect(settled).rejects.toThrow(/ENOENT/);
  });

  it('ends with its driver: nobody has to look for it after a kill -9', async () => {
    const signal = AbortSignal.timeout(10_000);
    load = await LoadProcess.start(settings, signal);
    const pid = load.pid as number;
    load.disconnect();
    while (isAlive(pid)) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
