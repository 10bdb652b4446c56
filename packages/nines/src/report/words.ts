/** Figures in words. Pure. */

/** '0 ms', '312 ms', '1.84 s', '2 min 5 s' */
export function duration(durationMs: number): string {
  if (durationMs < 9.95) return `${trimmed(durationMs, 1)} ms`;
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_995) return `${trimmed(durationMs / 1000, durationMs < 9995 ? 2 : 1)} s`;
  const seconds = Math.round(durationMs / 1000);
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** For how long a fault was felt; null: until the end of its step. */
export function recovery(recoveredMs: number | null): string {
  return recoveredMs === null ? 'not yet' : duration(recoveredMs);
}

/** '45,210' */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** '1 order', '2 orders' */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`;
}

/** '12.4 %' */
export function share(part: number, whole: number): string {
  return whole === 0 ? '—' : `${trimmed((part / whole) * 100, 1)} %`;
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
