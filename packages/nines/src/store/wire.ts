/**
 * The words of etcd's JSON gateway: keys and values in base64, 64-bit integers as strings, zero values left out,
 * and around every value an envelope by which a writer knows its own write again.
 */

/**
 * Revision of a key: changes with every write and never comes back; 0: the key does not exist. A number, because it counts
 * writes: at 1000 a second it passes 2^53 in 285,000 years. Ids of leases and members are random 64 bits, and strings.
 */
export type Revision = number;

/** One key as it was read. */
export interface Entry {
  key: string;
  /** What was written, as JSON gives it back; the text itself when another program wrote something else. */
  value: unknown;
  modRevision: Revision;
  /** Lease that the key hangs on; null: none. */
  leaseId: string | null;
}

/** What the store itself knows about an entry besides. */
export interface MarkedEntry extends Entry {
  /** Attempt that wrote it; null when another program did. */
  attempt: string | null;
}

/** Throws TypeError for half a surrogate pair: UTF-8 cannot carry it, and it would come back as another string. */
export function toBase64(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('a key or value is not well-formed Unicode');
  return Buffer.from(text, 'utf8').toString('base64');
}

export function fromBase64(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/**
 * End of the range of all keys with the prefix, in base64: the prefix with its last byte increased, carrying over 0xff.
 * A prefix of nothing but 0xff, or none at all, ends at the end: one zero byte, in etcd's words.
 */
export function prefixRangeEnd(prefix: string): string {
  const bytes = Buffer.from(prefix, 'utf8');
  for (let index = bytes.length - 1; index >= 0; index -= 1) {
    const byte = bytes[index];
    if (byte === undefined || byte === 0xff) continue;
    const end = Buffer.from(bytes.subarray(0, index + 1));
    end[index] = byte + 1;
    return end.toString('base64');
  }
  return Buffer.from([0]).toString('base64');
}

/** `{"value": ..., "attempt": "..."}`: readable with etcdctl. Throws TypeError for what JSON does not have (undefined, a function). */
export function sealValue(value: unknown, attempt: string): string {
  if (JSON.stringify(value) === undefined) throw new TypeError('a value of the store has to be JSON');
  return JSON.stringify({ value, attempt });
}

/** Anything without the envelope was written by another program (`etcdctl put`) and is taken as it is. */
export function openValue(text: string): { value: unknown; attempt: string | null } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { value: text, attempt: null };
  }
  const { value, attempt, ...others } = objectOf(parsed);
  const sealed = value !== undefined && typeof attempt === 'string' && Object.keys(others).length === 0;
  return sealed ? { value, attempt } : { value: parsed, attempt: null };
}

export type JsonObject = Record<string, unknown>;

/** The object inside an answer, or an empty one: the gateway leaves empty messages out. */
export function objectOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function arrayOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function int64Of(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && /^-?\d+$/.test(value) ? value : '0';
}

/** An entry of `kvs` in a range answer. */
export function entryOf(pair: JsonObject): MarkedEntry {
  const { value, attempt } = openValue(fromBase64(stringOf(pair['value'])));
  const lease = int64Of(pair['lease']);
  return {
    key: fromBase64(stringOf(pair['key'])),
    value,
    attempt,
    modRevision: Number(int64Of(pair['mod_revision'])),
    leaseId: lease === '0' ? null : lease,
  };
}

/** Revision of the whole store when it answered. */
export function headerRevision(answer: unknown): Revision {
  return Number(int64Of(objectOf(objectOf(answer)['header'])['revision']));
}
