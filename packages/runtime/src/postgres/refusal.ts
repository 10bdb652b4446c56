/** Whether a server that let nobody in may let somebody in later. Pure. */

/** Starting, stopping, full, or an administrator's word. */
const LATER = new Set(['57P01', '57P02', '57P03', '53300']);
/** No line of the access list: how a member of a Nines group refuses before it leads, and after. */
const NOT_ADMITTED = '28000';

/**
 * @param error of a connection that was not made
 * @param byAgent the address came from an agent: then "not admitted" is a matter of time and not of configuration
 */
export function mayPass(error: unknown, byAgent: boolean): boolean {
  const { code, severity, syscall, errors } = (error ?? {}) as Record<string, unknown>;
  if (typeof code !== 'string') return true;
  if (severity !== undefined) return LATER.has(code) || code.startsWith('08') || (byAgent && code === NOT_ADMITTED);
  // Of the network, one address or several tried; what else has a code (a certificate that is not trusted) stays as it is.
  return syscall !== undefined || Array.isArray(errors) || code === 'ECONNRESET';
}
