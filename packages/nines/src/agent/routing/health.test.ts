import { get, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { MemberHealth } from '../failover/groups.ts';
import { healthAnswer, startHealthServer } from './health.ts';

const PRIMARY: MemberHealth = {
  node: 'replica_0',
  role: 'primary',
  answers: true,
  admitting: true,
  proven: true,
  streaming: false,
  counted: false,
  term: 3,
  flushLsn: 100,
  replayLsn: null,
  lagBytes: 0,
  paused: false,
};
const STANDBY: MemberHealth = {
  ...PRIMARY,
  role: 'standby',
  admitting: false,
  proven: false,
  streaming: true,
  counted: true,
  replayLsn: 90,
  lagBytes: 2_000_000,
};

const source = (members: Record<string, MemberHealth | null>) => ({
  groups: () => Object.keys(members),
  health: (group: string) => members[group] ?? null,
});
const status = (member: MemberHealth | null, path: string) => healthAnswer(source({ main: member }), path).status;

describe('health endpoints', () => {
  it('/primary only while the proof of leadership is fresh and clients are admitted', () => {
    expect(status(PRIMARY, '/primary')).toBe(200);
    expect(status({ ...PRIMARY, proven: false }, '/primary')).toBe(503);
    expect(status({ ...PRIMARY, admitting: false }, '/primary')).toBe(503);
    expect(status(STANDBY, '/primary')).toBe(503);
    expect(status({ ...STANDBY, proven: true, admitting: true }, '/primary')).toBe(503);
  });

  it('/replica only for one that streams, within the lag that was asked for', () => {
    expect(status(STANDBY, '/replica')).toBe(200);
    expect(status(STANDBY, '/replica?lag=2000000')).toBe(200);
    expect(status(STANDBY, '/replica?lag=1MB')).toBe(503);
    expect(status({ ...STANDBY, lagBytes: null }, '/replica?lag=1GB')).toBe(503);
    expect(status(STANDBY, '/replica?lag=much')).toBe(400);
    expect(status({ ...STANDBY, streaming: false }, '/replica')).toBe(503);
    expect(status({ ...STANDBY, answers: false }, '/replica')).toBe(503);
    expect(status(PRIMARY, '/replica')).toBe(503);
  });

  it('/sync, /health, /readiness, /liveness', () => {
    expect(status(STANDBY, '/sync')).toBe(200);
    expect(status({ ...STANDBY, counted: false }, '/sync')).toBe(503);
    expect(status({ ...PRIMARY, proven: false }, '/health')).toBe(200);
    expect(status({ ...PRIMARY, answers: false }, '/health')).toBe(503);
    expect(status({ ...PRIMARY, proven: false }, '/readiness')).toBe(503);
    expect(status(STANDBY, '/readiness')).toBe(200);
    expect(status(null, '/liveness')).toBe(200);
  });

  it('never answers for another group, and asks for the name where there are several', () => {
    const two = source({ main: PRIMARY, other: STANDBY });
    expect(healthAnswer(two, '/primary')).toMatchObject({ status: 404, body: { error: expect.stringContaining('/GROUP/primary') } });
    expect(healthAnswer(two, '/main/primary').status).toBe(200);
    expect(healthAnswer(two, '/other/primary').status).toBe(503);
    expect(healthAnswer(source({ main: PRIMARY, other: null }), '/primary').status).toBe(200);
    for (const path of ['/', '/nothing', '/main/nothing', '/absent/primary', '/main/primary/x', '/constructor', '/main/constructor']) {
      expect(healthAnswer(two, path).status).toBe(404);
    }
    expect(status(null, '/primary')).toBe(404);
  });

  it('answers GET and HEAD over plain HTTP, nothing else', async () => {
    const server = await startHealthServer(source({ main: STANDBY }), { address: '127.0.35.21', port: 0 });
    const { port } = server.address() as AddressInfo;
    const ask = (method: string) =>
      new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
        const asked = (method === 'GET' ? get : request)(
          { host: '127.0.35.21', port, path: '/replica', method, agent: false },
          (response) => {
            let body = '';
            response.on('data', (chunk) => (body += String(chunk))).on('end', () => resolve({ status: response.statusCode, body }));
          },
        );
        asked.on('error', reject).end();
      });
    try {
      const { status: code, body } = await ask('GET');
      expect(code).toBe(200);
      expect(JSON.parse(body)).toEqual({
        state: 'running',
        role: 'replica',
        timeline: 3,
        xlog: { received_location: 100, replayed_location: 90, lag: 2_000_000 },
        sync_standby: true,
      });
      expect(await ask('HEAD')).toEqual({ status: 200, body: '' });
      expect((await ask('POST')).status).toBe(405);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
