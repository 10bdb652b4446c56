/** node --expose-gc measure-process.ts LIBRARY SCENARIO: one library in a process of its own, so that none runs code compiled for another. */
import { type Library } from './defects.ts';
import { FAILURES, MEASURED_FAILURES, SCENARIOS } from './scenarios.ts';

const WARM_UP_CALLS = 100_000;
const CALLS = 200_000;
const CALLS_FOR_BYTES = 10_000;

const [library, scenario] = process.argv.slice(2) as [Library, string];
const make = SCENARIOS[scenario]?.[library];
if (make === undefined) throw new Error(`${library} has no '${scenario}'`);
const call = await make();
const isFailures = scenario === FAILURES;

async function times(calls: number): Promise<void> {
  for (let at = 0; at < calls; at++) await call();
}

// Warming up would fill the window: that scenario is measured as it comes, which is how a service meets it.
await times(isFailures ? MEASURED_FAILURES : WARM_UP_CALLS);
const calls = isFailures ? MEASURED_FAILURES : CALLS;
const before = process.cpuUsage();
const beganNs = process.hrtime.bigint();
await times(calls);
const ns = Number(process.hrtime.bigint() - beganNs) / calls;
const { user, system } = process.cpuUsage(before);

const forBytes = isFailures ? MEASURED_FAILURES : CALLS_FOR_BYTES;
globalThis.gc?.();
const heapBefore = process.memoryUsage().heapUsed;
await times(forBytes);
const bytes = (process.memoryUsage().heapUsed - heapBefore) / forBytes;

process.stdout.write(JSON.stringify({ ns, cpuNs: ((user + system) * 1_000) / calls, bytes }));
process.exit(0);
