/** The environment, read once and checked; the rest of the service never looks at it. */
import { readFileSync } from 'node:fs';

export interface Config {
  host: string;
  port: number;
  instance: { name: string; zone: string };
  /** Time to answer one request, well or with 503: less than the gateway waits, so that it is us who say what happened. */
  requestDeadlineMs: number;
  /** How long to go on serving after SIGTERM, so that every gateway sees "not ready" before the port closes. */
  drainMs: number;
  /** From SIGTERM to the end of the process. */
  stopMs: number;
  database: DatabaseConfig;
  redis: RedisConfig;
}

export interface DatabaseConfig {
  url: string;
  /** PEM; null: no TLS beyond what the URL asks for. */
  ca: string | null;
  applicationName: string;
  poolMin: number;
  poolMax: number;
}

export interface RedisConfig {
  /** Either a plain URL or a master name to ask the Sentinels for. */
  where: { url: string } | { masterName: string; sentinels: { host: string; port: number }[] };
  username: string | undefined;
  password: string | undefined;
  sentinelUsername: string | undefined;
  sentinelPassword: string | undefined;
  ca: string | null;
  commandTimeoutMs: number;
  connectTimeoutMs: number;
}

type Environment = Record<string, string | undefined>;

/** Throws an Error that names every wrong variable; never shows a value that may be secret. */
export function readConfig(env: Environment, readFile: (path: string) => string = readText): Config {
  const problems: string[] = [];
  const caFile = text(env, 'NINES_CA_FILE');
  let ca: string | null = null;
  try {
    if (caFile !== undefined) ca = readFile(caFile);
  } catch (error) {
    problems.push(`NINES_CA_FILE: ${caFile} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
  const name = text(env, 'NINES_INSTANCE') ?? 'orders-0';
  const gatewayPatienceMs = wholeNumber(env, 'NINES_REQUEST_MS', 1_000, problems);
  const requestDeadlineMs = Math.floor(gatewayPatienceMs * 0.8);
  const config: Config = {
    host: text(env, 'HOST') ?? '127.0.0.1',
    port: wholeNumber(env, 'PORT', 3_000, problems),
    instance: { name, zone: text(env, 'NINES_ZONE') ?? 'local' },
    requestDeadlineMs,
    drainMs: wholeNumber(env, 'NINES_DRAIN_MS', 700, problems),
    stopMs: wholeNumber(env, 'NINES_STOP_MS', 10_000, problems),
    database: databaseConfig(env, name, ca, problems),
    redis: redisConfig(env, ca, problems),
  };
  if (problems.length > 0) throw new Error(`wrong environment:\n  ${problems.join('\n  ')}`);
  return config;
}

function databaseConfig(env: Environment, applicationName: string, ca: string | null, problems: string[]): DatabaseConfig {
  const url = text(env, 'DATABASE_URL') ?? '';
  if (!isUrl(url, /^postgres(ql)?:$/)) problems.push('DATABASE_URL: want postgres://user:password@host:port/database');
  return { url, ca, applicationName, poolMin: 2, poolMax: wholeNumber(env, 'DATABASE_POOL_SIZE', 5, problems) };
}

function redisConfig(env: Environment, ca: string | null, problems: string[]): RedisConfig {
  const username = text(env, 'REDIS_USERNAME');
  const password = text(env, 'REDIS_PASSWORD');
  return {
    where: redisWhere(env, problems),
    username,
    password,
    sentinelUsername: text(env, 'REDIS_SENTINEL_USERNAME'),
    sentinelPassword: text(env, 'REDIS_SENTINEL_PASSWORD'),
    ca,
    commandTimeoutMs: wholeNumber(env, 'SESSION_TIMEOUT_MS', 150, problems),
    connectTimeoutMs: 500,
  };
}

function redisWhere(env: Environment, problems: string[]): RedisConfig['where'] {
  const list = text(env, 'REDIS_SENTINELS');
  if (list === undefined) {
    const url = text(env, 'REDIS_URL') ?? '';
    if (!isUrl(url, /^rediss?:$/)) problems.push('REDIS_SENTINELS or REDIS_URL: want host:port,... or redis://host:port');
    return { url };
  }
  const sentinels = list.split(',').map((address) => {
    const match = /^([^:\s]+):(\d{1,5})$/.exec(address.trim());
    if (match === null) problems.push(`REDIS_SENTINELS: '${address}' is not host:port`);
    return { host: match?.[1] ?? '', port: Number(match?.[2] ?? 0) };
  });
  const masterName = text(env, 'REDIS_MASTER');
  if (masterName === undefined) problems.push('REDIS_MASTER: needed with REDIS_SENTINELS');
  return { masterName: masterName ?? '', sentinels };
}

function isUrl(value: string, protocol: RegExp): boolean {
  return URL.canParse(value) && protocol.test(new URL(value).protocol);
}

function text(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}

function wholeNumber(env: Environment, name: string, fallback: number, problems: string[]): number {
  const value = text(env, name);
  if (value === undefined) return fallback;
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  problems.push(`${name}: '${value}' is not a whole number above 0`);
  return fallback;
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
