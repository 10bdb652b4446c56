/** SCRAM-SHA-256 verifiers as PostgreSQL stores them: the server never sees the password itself. Pure. */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

const ITERATIONS = 4096;
const VERIFIER = /^SCRAM-SHA-256\$(\d{1,7}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/;

/** @param password ASCII (PostgreSQL would normalise anything else first). @param salt 16 random bytes. */
export function scramVerifier(password: string, salt: Uint8Array, iterations: number = ITERATIONS): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${Buffer.from(salt).toString('base64')}$${storedKey}:${serverKey}`;
}

/** Whether a stored verifier is one of this password; false for null and for anything that is no verifier. */
export function verifierMatches(verifier: string | null, password: string): boolean {
  const parts = verifier === null ? null : VERIFIER.exec(verifier);
  if (verifier === null || parts === null) return false;
  const expected = scramVerifier(password, Buffer.from(parts[2]!, 'base64'), Number(parts[1]));
  return expected.length === verifier.length && timingSafeEqual(Buffer.from(expected), Buffer.from(verifier));
}
