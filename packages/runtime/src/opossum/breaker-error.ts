/** What the breaker itself rejects with, by opossum's codes. */
const OURS = new WeakSet<object>();

const WORDS = {
  EOPENBREAKER: 'Breaker is open',
  ESEMLOCKED: 'Semaphore locked',
  ESHUTDOWN: 'The circuit has been shutdown.',
} as const;

export function breakerError(code: keyof typeof WORDS | 'ETIMEDOUT', words = code === 'ETIMEDOUT' ? 'Timed out' : WORDS[code]): Error {
  const error = Object.assign(new Error(words), { code });
  OURS.add(error);
  return error;
}

export const isBreakerError = (error: unknown): boolean => typeof error === 'object' && error !== null && OURS.has(error);
