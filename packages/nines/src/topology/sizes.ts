/** Sizes as people write them ('64MB', '256kB') and as the code keeps them: bytes. Units are powers of 1024, as in PostgreSQL and Redis. */

export type Size = `${number}${'B' | 'kB' | 'MB' | 'GB'}`;

const UNIT_BYTES = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;

/** Bytes of a size; null when the text is none, or is no whole number of bytes. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(B|kB|MB|GB)$/.exec(text);
  if (match === null) return null;
  const [, amount, unit] = match as unknown as [string, string, keyof typeof UNIT_BYTES];
  const bytes = Number(amount) * UNIT_BYTES[unit];
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The shortest way to write it: 65536 -> '64kB', 1000 -> '1000B'. */
export function formatSize(bytes: number): Size {
  for (const unit of ['GB', 'MB', 'kB'] as const) {
    if (bytes !== 0 && bytes % UNIT_BYTES[unit] === 0) return `${bytes / UNIT_BYTES[unit]}${unit}`;
  }
  return `${bytes}B`;
}
