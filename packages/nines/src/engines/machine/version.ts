/** Version numbers as programs print them: 'Redis server v=7.0.15', 'postgres (PostgreSQL) 15.20 (Debian ...)'. */

/** The first dotted number in the text; null when there is none. */
export function versionIn(text: string): string | null {
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? null;
}

/** Negative, zero or positive, number by number; absent numbers count as 0. */
export function compareVersions(left: string, right: string): number {
  const leftParts = left.split('.').map(Number);
  const rightParts = right.split('.').map(Number);
  for (let i = 0; i < Math.max(leftParts.length, rightParts.length); i += 1) {
    const difference = (leftParts[i] ?? 0) - (rightParts[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
