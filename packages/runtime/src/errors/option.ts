/** @throws RangeError that names the option when it is not a number within its bounds. */
export function requireNumber(name: string, value: number, least: number, most = Number.MAX_VALUE): void {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    throw new RangeError(`${name} is ${String(value)}; it is a number from ${least}${most === Number.MAX_VALUE ? ' on' : ` to ${most}`}`);
  }
}

/** @throws RangeError as `requireNumber`, and for one that is not whole. */
export function requireInteger(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isInteger(value)) throw new RangeError(`${name} is ${String(value)}; it is a whole number`);
  requireNumber(name, value, least, most);
}
