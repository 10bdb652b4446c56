import { expect, test } from 'vitest';
import { connectionSurvives, mayRetry, outcomeOf, type Outcome, type Phase, sqlStateOf } from './outcome.ts';

const server = (code: string): Error => Object.assign(new Error(code), { code, severity: 'ERROR' });
const network = (code: string): Error => Object.assign(new Error(code), { code });
const timeout = new Error('Query read timeout');

/** The table of retry rules, line by line. */
const RULES: [string, unknown, Phase, Outcome][] = [
  ['refused', network('ECONNREFUSED'), 'connect', 'nothing-sent'],
  ['connect timeout', new Error('timeout exceeded when trying to connect'), 'connect', 'nothing-sent'],
  ['starting up', server('57P03'), 'connect', 'nothing-sent'],
  ['too many connections', server('53300'), 'connect', 'nothing-sent'],
  ['wrong password', server('28P01'), 'connect', 'refused'],
  ['no such database', server('3D000'), 'connect', 'refused'],
  ['serialization', server('40001'), 'work', 'rolled-back'],
  ['deadlock', server('40P01'), 'work', 'rolled-back'],
  ['a standby', server('25006'), 'work', 'rolled-back'],
  ['lock timeout', server('55P03'), 'work', 'rolled-back'],
  ['statement timeout', server('57014'), 'work', 'rolled-back'],
  ['shut down', server('57P01'), 'work', 'rolled-back'],
  ['reset before COMMIT', network('ECONNRESET'), 'work', 'lost'],
  ['broken pipe before COMMIT', network('EPIPE'), 'work', 'lost'],
  ['frozen before COMMIT', timeout, 'work', 'lost'],
  ['unique violation', server('23505'), 'work', 'refused'],
  ['bad syntax', server('42601'), 'work', 'refused'],
  ['disk full', server('53100'), 'work', 'refused'],
  ['reset at COMMIT', network('ECONNRESET'), 'commit', 'unknown'],
  ['frozen at COMMIT', timeout, 'commit', 'unknown'],
  ['shut down at COMMIT', server('57P01'), 'commit', 'unknown'],
  ['completion unknown', server('40003'), 'commit', 'unknown'],
  ['sync wait cancelled', new Error('canceling wait for synchronous replication'), 'commit', 'unknown'],
  ['serialization at COMMIT', server('40001'), 'commit', 'rolled-back'],
  ['deferred constraint', server('23503'), 'commit', 'refused'],
];

test.each(RULES)('%s', (_what, error, phase, outcome) => {
  expect(outcomeOf(error, phase)).toBe(outcome);
});

test('an unknown outcome is never retried, whatever was sent', () => {
  expect(mayRetry('unknown')).toBe(false);
  expect(mayRetry('refused')).toBe(false);
  for (const outcome of ['nothing-sent', 'rolled-back', 'lost'] as const) expect(mayRetry(outcome)).toBe(true);
});

test('EPIPE is five characters and no SQLSTATE', () => {
  expect(sqlStateOf(network('EPIPE'))).toBeNull();
  expect(sqlStateOf(server('40001'))).toBe('40001');
  expect(sqlStateOf(null)).toBeNull();
});

test('a connection is kept only after an answer that does not end it', () => {
  expect(connectionSurvives(server('23505'))).toBe(true);
  expect(connectionSurvives(server('55P03'))).toBe(true);
  for (const error of [server('57P01'), server('25P03'), server('25006'), network('ECONNRESET'), timeout]) {
    expect(connectionSurvives(error)).toBe(false);
  }
});
