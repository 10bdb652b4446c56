import { NinesError } from '../../errors/errors.ts';

/**
 * One word of an HAProxy configuration line, whatever it contains. Single quotes take everything literally,
 * except a single quote and a line end.
 * @throws NinesError E_CONFIG_INVALID for control characters, which no configuration line can carry.
 */
export function quoted(word: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(word)) {
    throw new NinesError('E_CONFIG_INVALID', `a control character cannot be part of a gateway setting: ${JSON.stringify(word)}`);
  }
  if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
