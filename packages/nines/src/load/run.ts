/** A load run inside one process: prepares the scenario, drives the schedule, records every request. */
import { NinesError } from '../errors/errors.ts';
import type { Target } from './connection.ts';
import { attemptPlan, type ClientContract } from './contract.ts';
import { Flight } from './flight.ts';
import { LoadMeasures } from './measures.ts';
import { dueAtMs, startOpenLoop } from './open-loop.ts';
import { ConnectionPool } from './pool.ts';
import type { RequestRecord } from './record.ts';
import type { PlannedRequest, Scenario } from './scenario.ts';

export interface LoadRunOptions {
  target: Target;
  ratePerSecond: number;
  /** The rate grows evenly from 0 for so long; 0: full from the start. */
  rampMs: number;
  contract: ClientContract;
  maxConnections: number;
  /** Every n-th request opens a connection of its own; the others use kept ones. */
  freshEvery: number;
  scenario: Scenario;
  record(record: RequestRecord): void;
  /** How long the preparation may take; 15 s when absent. */
  preparationMs?: number;
}

export interface LoadRun {
  /** `process.hrtime` at which the run's clock was 0. */
  originNs: bigint;
  measures: LoadMeasures;
  inFlight(): number;
  /** How long ago the oldest request under way was due; 0 without any. */
  oldestInFlightMs(): number;
  connections(): { open: number; opened: number };
  nowMs(): number;
  /** Issues nothing more, and resolves when the last request under way is done: at most one deadline later. */
  stop(): Promise<void>;
}

const PREPARATION_MS = 15_000;
const PREPARATION_WIDTH = 16;

/** Rejects with E_UNREACHABLE when the scenario's preparation is not answered well in time. */
export async function startLoad(options: LoadRunOptions, signal: AbortSignal): Promise<LoadRun> {
  await prepare(options, signal);
  signal.throwIfAborted();
  const originNs = process.hrtime.bigint();
  const clock = clockFrom(originNs);
  const pool = openPool(options, clock);
  const measures = new LoadMeasures();
  const flights = new Set<Flight>();
  let index = 0;
  let onIdle: (() => void) | null = null;
  const launch = (request: PlannedRequest, dueMs: number) => {
    const plan = attemptPlan(options.contract, request.f, request.key !== null);
    const fresh = index % options.freshEvery === options.freshEvery - 1;
    const flight = new Flight({ index, dueMs, request, plan, fresh, pool, clock, onDone });
    index += 1;
    flights.add(flight);
    flight.start();
    function onDone(record: RequestRecord): void {
      flights.delete(flight);
      measures.add(record);
      options.record(record);
      for (const next of options.scenario.finished(record)) if (onIdle === null) launch(next, clock());
      if (flights.size === 0) onIdle?.();
    }
  };
  const loop = startOpenLoop({
    dueMs: (k) => dueAtMs(k, options.ratePerSecond, options.rampMs),
    clock,
    issue: (k, dueMs) => launch(options.scenario.plan(k), dueMs),
    sweep: (nowMs) => {
      for (const flight of flights) flight.tick(nowMs);
    },
  });
  const stop = async () => {
    loop.stop();
    await new Promise<void>((resolve) => {
      onIdle = resolve;
      if (flights.size === 0) resolve();
    });
    loop.close();
    pool.close();
  };
  return {
    originNs,
    measures,
    inFlight: () => flights.size,
    oldestInFlightMs: () => {
      const [oldest] = flights;
      return oldest === undefined ? 0 : clock() - oldest.dueMs;
    },
    connections: () => ({ open: pool.openCount, opened: pool.opened }),
    nowMs: clock,
    stop,
  };
}

function clockFrom(originNs: bigint): () => number {
  return () => Number(process.hrtime.bigint() - originNs) / 1e6;
}

function openPool(options: LoadRunOptions, clock: () => number): ConnectionPool {
  const { target, maxConnections } = options;
  return new ConnectionPool({ target, maxConnections, maxIdleMs: 3000, maxRequestsPerConnection: 500, clock });
}

/** Each request of the preparation until it is answered well, some at a time; not part of the run's figures. */
async function prepare(options: LoadRunOptions, signal: AbortSignal): Promise<void> {
  const deadlineMs = options.preparationMs ?? PREPARATION_MS;
  const clock = clockFrom(process.hrtime.bigint());
  const pool = openPool(options, clock);
  const waiting = options.scenario.preparation();
  const flights = new Set<Flight>();
  const sweeper = setInterval(() => {
    for (const flight of flights) flight.tick(clock());
  }, 10);
  const send = (request: PlannedRequest) =>
    new Promise<RequestRecord>((resolve) => {
      const plan = attemptPlan(options.contract, request.f, request.key !== null);
      const flight = new Flight({ index: 0, dueMs: clock(), request, plan, fresh: false, pool, clock, onDone });
      flights.add(flight);
      flight.start();
      function onDone(record: RequestRecord): void {
        flights.delete(flight);
        resolve(record);
      }
    });
  const work = async () => {
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      for (let record = await send(request); record.class !== 'ok'; record = await send(request)) {
        signal.throwIfAborted();
        if (clock() > deadlineMs) throw unprepared(options.target, record, deadlineMs);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      signal.throwIfAborted();
    }
  };
  try {
    await Promise.all(Array.from({ length: PREPARATION_WIDTH }, work));
  } finally {
    clearInterval(sweeper);
    pool.close();
  }
}

function unprepared(target: Target, record: RequestRecord, deadlineMs: number): NinesError {
  const what = `${record.f} at ${target.host}:${target.port} was not answered well in ${deadlineMs} ms`;
  return new NinesError('E_UNREACHABLE', `the load could not start: ${what} (last: ${record.causes.join(', then ')})`);
}
