import { type PortRange, portRanges } from '../ports.ts';
import { type Problem, refused } from '../problems.ts';
import type { Topology } from '../topology.ts';

/** No two things may want one port of a host, on whatever hosts they run today. */
export function portProblems(topology: Topology): Problem[] {
  const ranges = portRanges(topology);
  return ranges.flatMap((range, index) => {
    if (range.path === null) return [];
    const other = ranges.slice(0, index).find((before) => before.first <= range.last && range.first <= before.last);
    return other === undefined ? [] : [{ path: range.path, text: collision(range, other, ranges) }];
  });
}

function collision(range: PortRange, other: PortRange, ranges: PortRange[]): string {
  const width = range.last - range.first;
  const wants = width === 0 ? '' : ` (with ${range.first} to ${range.last}, ${range.why})`;
  const free = freePort(
    range.first,
    width,
    ranges.filter((each) => each !== range),
  );
  return refused(range.first, `ports that ${other.what} (${portsText(other)}) does not use${wants}; ${free} is free`);
}

function freePort(from: number, width: number, taken: PortRange[]): number {
  for (let port = from; ; port++) {
    const hit = taken.find((range) => range.first <= port + width && port <= range.last);
    if (hit === undefined) return port;
    port = hit.last;
  }
}

function portsText({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first} to ${last}`;
}
