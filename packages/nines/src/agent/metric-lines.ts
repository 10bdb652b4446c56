/** Prometheus' text format. Pure. */
import type { HostState } from './host-state.ts';

export interface Family {
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  samples(state: HostState): string[];
}

/** Backslash, quote and line end are the three that the format escapes. */
function label(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

export function line(name: string, labels: Record<string, string>, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${label(text)}"`);
  return `${name}{${pairs.join(',')}} ${value}`;
}

export function renderFamilies(families: readonly Family[], state: HostState): string {
  const blocks = families.map(({ name, type, help, samples }) =>
    [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples(state)].join('\n'),
  );
  return `${blocks.join('\n')}\n`;
}
