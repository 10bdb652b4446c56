import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataContext, exposedPasswords } from '../testing/data-context.ts';
import { redisEndpoint } from './endpoint.ts';
import { planRedis } from './plan.ts';
import { redisStanding } from './standing.ts';
import { renderDirectives } from './tls.ts';

/** As Redis reads an argument in double quotes. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_, escaped: string) => ({ n: '\n', r: '\r' })[escaped] ?? escaped);
}

describe('renderDirectives', () => {
  it('keeps every value on its line and readable as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (value) => {
        const text = renderDirectives([['dir', value]]);
        expect(text.split('\n')).toHaveLength(2);
        expect(unquote(text.slice('dir '.length, -1))).toBe(value);
      }),
    );
  });
});

describe('planRedis', () => {
  const content = (file: string, wishes: Partial<Parameters<typeof dataContext>[0]> = {}) =>
    planRedis(dataContext({ engine: 'redis', ordinal: 1, ...wishes })).files.find(({ path }) => path.endsWith(file))!.content;

  it('shows no password outside 0600 files, and hashes where hashes do', () => {
    const context = dataContext({ engine: 'redis', ordinal: 1 });
    const plan = planRedis(context);
    expect(exposedPasswords(context, plan)).toEqual([]);
    for (const password of Object.values(context.secrets.redis)) expect(content('users.acl')).not.toContain(password);
    const inConfiguration = Object.values(context.secrets.redis).filter((password) => content('redis.conf').includes(password));
    expect(inConfiguration).toEqual(['secret-of-replica']);
  });

  it('speaks TLS on its own address only', () => {
    const lines = content('redis.conf').split('\n');
    expect(lines).toEqual(expect.arrayContaining(['bind 10.0.0.2', 'port 0', 'tls-port 6379', 'tls-replication yes']));
    expect(content('users.acl')).toMatch(/^user default off /m);
  });

  it('says nothing of master or replica: that is decided before each start', () => {
    expect(content('redis.conf')).not.toMatch(/^(replicaof|slaveof)/m);
    expect(planRedis(dataContext({ engine: 'redis', ordinal: 0, leader: 0 })).files).toEqual(
      planRedis(dataContext({ engine: 'redis', ordinal: 0, leader: 2 })).files,
    );
  });

  it('asks for a replica in reach only where the loss of one leaves another', () => {
    expect(content('redis.conf', { count: 3 })).toContain('min-replicas-to-write 1\n');
    expect(content('redis.conf', { count: 2 })).toContain('min-replicas-to-write 0\n');
  });

  it('names all nodes and Sentinels for clients', () => {
    expect(redisEndpoint(dataContext({ engine: 'redis', ordinal: 0, count: 2 }).spec, 'main')).toEqual({
      masterName: 'main',
      nodes: [
        { host: '10.0.0.1', port: 6379 },
        { host: '10.0.0.2', port: 6379 },
      ],
      sentinels: [
        { host: '10.0.0.1', port: 26379 },
        { host: '10.0.0.2', port: 26379 },
      ],
    });
  });
});

describe('redisStanding', () => {
  it('tells a master that takes writes from one that refuses them', () => {
    const master = { role: 'master', slave0: 'ip=1,state=online', slave1: 'ip=2,state=wait_bgsave', master_repl_offset: '9' };
    expect(redisStanding({ ...master, min_slaves_good_slaves: '1' })).toMatchObject({
      ready: true,
      details: { replicas: 1, takesWrites: true },
    });
    expect(redisStanding({ role: 'master', min_slaves_good_slaves: '0' })).toMatchObject({ ready: true, details: { takesWrites: false } });
    expect(redisStanding(master).details?.['takesWrites']).toBe(true);
  });

  it('calls a replica ready only while its master is in reach, and never unsound for the want of it', () => {
    const replica = { role: 'slave', master_host: '10.0.0.1', master_port: '6379', slave_repl_offset: '5', slave_read_repl_offset: '7' };
    expect(redisStanding({ ...replica, master_link_status: 'up' })).toMatchObject({
      ready: true,
      role: 'replica',
      details: { lagBytes: 2 },
    });
    expect(redisStanding({ ...replica, master_link_status: 'down' })).toMatchObject({ ready: false, live: true });
    expect(redisStanding({ loading: '1', role: 'master' })).toMatchObject({ ready: false, live: true });
  });
});
