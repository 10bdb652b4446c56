/** A step's limits in words. Pure. */
import type { StepLimits } from './report.ts';
import { counted, duration } from './words.ts';

/** '0 failed · recovered ≤ 2 s'; a dash without any. */
export function limitsInWords(limits: StepLimits): string {
  const words: string[] = [];
  if (limits.failed !== undefined) words.push(counted(limits.failed, 'failed', 'failed'));
  if (limits.recoveredMs !== undefined) words.push(`recovered ≤ ${duration(limits.recoveredMs)}`);
  return words.join(' · ') || '—';
}
