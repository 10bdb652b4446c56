/** Positions in the log: bytes here, PostgreSQL's own `high/low` in hexadecimal there. Pure. */

const LOW = 2 ** 32;

/** NaN for what is no position. */
export function parseLsn(text: string): number {
  const [, high, low] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text) ?? [];
  return high === undefined || low === undefined ? Number.NaN : Number.parseInt(high, 16) * LOW + Number.parseInt(low, 16);
}

export function formatLsn(lsn: number): string {
  const hexadecimal = (part: number) => part.toString(16).toUpperCase();
  return `${hexadecimal(Math.floor(lsn / LOW))}/${hexadecimal(lsn % LOW)}`;
}
