import { expect, test } from 'vitest';
import { mayPass } from './refusal.ts';

const server = (code: string) => Object.assign(new Error(code), { code, severity: 'FATAL' });

test.each([
  ['refused', Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' }), true],
  ['refused at each of its addresses', Object.assign(new AggregateError([new Error('a')]), { code: 'ECONNREFUSED' }), true],
  ['reset during the handshake', Object.assign(new Error('before secure TLS connection'), { code: 'ECONNRESET' }), true],
  ['ended in the middle', new Error('Connection terminated unexpectedly'), true],
  ['starting', server('57P03'), true],
  ['full', server('53300'), true],
  ['a wrong password', server('28P01'), false],
  ['no such database', server('3D000'), false],
  ['a certificate that nobody signed', Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), false],
])('%s', (_what, error, passes) => {
  expect(mayPass(error, true)).toBe(passes);
  expect(mayPass(error, false)).toBe(passes);
});

test('a refusal by the access list passes only where an agent said to connect', () => {
  expect(mayPass(server('28000'), true)).toBe(true);
  expect(mayPass(server('28000'), false)).toBe(false);
});
