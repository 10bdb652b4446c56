/** Whether an error says that nothing has reached the other side. */
import { PolicyError } from '../errors/policy-error.ts';

const CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);
/** Of Node's errors: what failed is the way there. */
const SYSCALLS = new Set(['connect', 'getaddrinfo']);
/** `fetch failed`, and what is below it. */
const MAX_CAUSES = 5;

/** True only where it is certain: of a connection that was never open, and of a refusal by a policy. */
export function wasNotSent(error: unknown): boolean {
  let at = error;
  for (let depth = 0; depth < MAX_CAUSES && at instanceof Error; depth++) {
    if (at instanceof PolicyError) return at.notSent;
    if (at instanceof AggregateError) return at.errors.length > 0 && at.errors.every((each) => wasNotSent(each));
    const { code, syscall } = at as NodeJS.ErrnoException;
    if ((code !== undefined && CODES.has(code)) || (syscall !== undefined && SYSCALLS.has(syscall))) return true;
    at = at.cause;
  }
  return false;
}
