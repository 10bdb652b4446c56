/** The kinds of values in a topology: each says in one phrase what is allowed. */
import { z } from 'zod';
import { formatDuration, parseDuration } from '../durations.ts';
import { formatSize, parseSize } from '../sizes.ts';
import { kind } from './facts.ts';

const NAME_ALLOWED = "a name of 1 to 20 characters: small letters, digits and '-', a letter first, no '-' last";
const NAME = /^[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?$/;

export function name() {
  return kind(z.string({ error: NAME_ALLOWED }).regex(NAME, { error: NAME_ALLOWED }), NAME_ALLOWED, 'string');
}

/** A map from names to things. */
export function named<S extends z.ZodType>(things: S) {
  return z.record(name(), things, { error: 'an object: names and what they stand for' });
}

export function wholeNumber(min: number, max: number) {
  const allowed = `a whole number from ${min} to ${max}`;
  return kind(z.int({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed }), allowed, 'number');
}

export function port() {
  // Below 1024 an unprivileged engine may not listen; above 65435 a hundred instances would not fit.
  return wholeNumber(1024, 65_435);
}

export function percentage(min: number, max: number) {
  const allowed = `per cent, a number from ${min} to ${max}`;
  return kind(z.number({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed }), allowed, 'number');
}

export function flag() {
  return kind(z.boolean({ error: 'true or false' }), 'true or false', 'boolean');
}

/** Milliseconds out of '250ms', '1.5s', '2m', '1h', '7d'. */
export function duration(min: string, max: string) {
  const [minMs, maxMs] = [parseDuration(min) ?? 0, parseDuration(max) ?? 0];
  const allowed = `a duration from '${formatDuration(minMs)}' to '${formatDuration(maxMs)}': a number and ms, s, m, h or d, as in '250ms' or '1.5s'`;
  return kind(measure(parseDuration, minMs, maxMs, allowed), allowed, 'Duration');
}

/** Bytes out of '16kB', '64MB', '1GB'. */
export function size(min: string, max: string) {
  const [minBytes, maxBytes] = [parseSize(min) ?? 0, parseSize(max) ?? 0];
  const allowed = `a size from '${formatSize(minBytes)}' to '${formatSize(maxBytes)}': a number and B, kB, MB or GB (1024 each), as in '64MB'`;
  return kind(measure(parseSize, minBytes, maxBytes, allowed), allowed, 'Size');
}

function measure(parse: (text: string) => number | null, min: number, max: number, allowed: string) {
  return z.string({ error: allowed }).transform((text, context) => {
    const value = parse(text);
    if (value !== null && value >= min && value <= max) return value;
    context.addIssue({ code: 'custom', message: allowed });
    return z.NEVER;
  });
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/;

export function address() {
  const allowed = "an IPv4 address of one machine, as '10.0.0.3'";
  const usable = (text: string) => IPV4.test(text) && Number.parseInt(text, 10) > 0 && Number.parseInt(text, 10) < 224;
  return kind(z.string({ error: allowed }).refine(usable, { error: allowed }), allowed, 'string');
}

/** A URL path. Its characters go into HAProxy's configuration as they are, hence the short list. */
export function urlPath() {
  const allowed = "a URL path as '/ready': '/' first, then letters, digits and . _ ~ - /";
  return kind(z.string({ error: allowed }).regex(/^\/[\w.~/-]{0,199}$/, { error: allowed }), allowed, 'string');
}

/** A path prefix of the gateway: '/' or segments without a '/' at the end. */
export function pathPrefix() {
  const allowed = "a URL path prefix as '/' or '/orders': '/' first, none last, letters, digits and . _ ~ -";
  const prefix = /^(?:\/|(?:\/[\w.~-]+)+)$/;
  return kind(z.string({ error: allowed }).regex(prefix, { error: allowed }).max(200, { error: allowed }), allowed, 'string');
}

/** A folder inside the project: the hosts see nothing else of the machine. */
export function projectFolder() {
  const allowed = "a folder inside the project, relative to nines.config.ts, without '..', as '.' or 'services/orders'";
  const inside = (text: string) => text !== '' && !text.startsWith('/') && !text.split('/').includes('..') && !text.includes('\0');
  return kind(z.string({ error: allowed }).refine(inside, { error: allowed }), allowed, 'string');
}

export function argv() {
  const allowed = "a list of words, the program first, as ['node', 'src/main.ts'] (no shell reads it)";
  const word = z
    .string({ error: 'a word of the command, text without NUL' })
    .regex(/^[^\0]*$/, { error: 'a word of the command, text without NUL' });
  const list = z.array(word, { error: allowed }).refine((words) => words[0] !== undefined && words[0] !== '', { error: allowed });
  return kind(list, allowed, 'string[]');
}

const VARIABLE_ALLOWED = 'the name of an environment variable: letters, digits and _, no digit first';
const VARIABLE = /^[A-Za-z_]\w{0,99}$/;

function variable() {
  return z.string({ error: VARIABLE_ALLOWED }).regex(VARIABLE, { error: VARIABLE_ALLOWED });
}

export function variables() {
  const value = z.string({ error: 'text without NUL' }).regex(/^[^\0]*$/, { error: 'text without NUL' });
  const allowed = 'an object: names of environment variables and their texts';
  return kind(z.record(variable(), value, { error: allowed }), allowed, 'Record<string, string>');
}

export function variableNames() {
  const allowed = "a list of names of environment variables, as ['SESSION_KEY']";
  return kind(z.array(variable(), { error: allowed }), allowed, 'string[]');
}

export function choice<const T extends readonly [string | number, ...(string | number)[]]>(choices: T) {
  const allowed = choices.map((one) => (typeof one === 'string' ? `'${one}'` : one)).join(', ');
  return kind(z.literal(choices, { error: allowed }), allowed, allowed.replaceAll(', ', ' | '));
}

export function choices<const T extends readonly [string, ...string[]]>(all: T) {
  const words = all.map((one) => `'${one}'`);
  const allowed = `a list of ${words.join(', ')}`;
  return kind(z.array(z.literal(all, { error: `one of ${words.join(', ')}` }), { error: allowed }), allowed, `(${words.join(' | ')})[]`);
}

export function databaseName() {
  const allowed = 'a database name: small letters, digits and _, a letter first, at most 63; not template0 or template1';
  const usable = (text: string) => /^[a-z]\w{0,62}$/.test(text) && text === text.toLowerCase() && !/^template[01]$/.test(text);
  return kind(z.string({ error: allowed }).refine(usable, { error: allowed }), allowed, 'string');
}

/** postgresql.conf settings: names as PostgreSQL spells them, values on one line. */
export function postgresParameters() {
  const nameAllowed = 'the name of a PostgreSQL setting: small letters, digits, _ and .';
  const key = z.string({ error: nameAllowed }).regex(/^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?$/, { error: nameAllowed });
  const valueAllowed = "text on one line, as '64MB'";
  const value = z.string({ error: valueAllowed }).regex(/^[^\0\r\n]*$/, { error: valueAllowed });
  const allowed = "an object: PostgreSQL settings and their values as text, as { work_mem: '8MB' }";
  return kind(z.record(key, value, { error: allowed }), allowed, 'Record<string, string>');
}
