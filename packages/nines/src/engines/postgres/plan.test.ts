import { describe, expect, it } from 'vitest';
import { dataContext, exposedPasswords } from '../testing/data-context.ts';
import { postgresEndpoint, postgresMembers } from './endpoint.ts';
import { planPostgres } from './plan.ts';

describe('planPostgres', () => {
  it('is the same for the same input, and shows no password outside 0600 files', () => {
    for (const ordinal of [0, 1, 2]) {
      const context = dataContext({ engine: 'postgres', ordinal });
      expect(planPostgres(context)).toEqual(planPostgres(context));
      expect(exposedPasswords(context, planPostgres(context))).toEqual([]);
    }
  });

  it('gives a member the password of its own role alone', () => {
    const { files } = planPostgres(dataContext({ engine: 'postgres', ordinal: 1 }));
    const all = files.map((file) => file.content).join('');
    expect(all).toContain('secret-of-replica_1');
    for (const other of ['postgres', 'app', 'monitor', 'replica_0', 'replica_2']) expect(all).not.toContain(`secret-of-${other}`);
  });

  it('restarts nothing when a standby joins', () => {
    const [three, four] = [3, 4].map((count) => planPostgres(dataContext({ engine: 'postgres', ordinal: 0, count })));
    const changed = three!.files.filter((file, index) => file.content !== four!.files[index]!.content);
    expect(changed.map((file) => file.onChange)).toEqual(['reload']);
  });

  it('keeps sockets and configuration out of PGDATA', () => {
    const { argv, files, directories } = planPostgres(dataContext({ engine: 'postgres', ordinal: 1 }));
    const dataDir = argv[argv.indexOf('-D') + 1]!;
    for (const { path } of [...files, ...directories]) expect(path.startsWith(`${dataDir}/`)).toBe(false);
  });
});

describe('endpoints', () => {
  it('name the primary by its address, and every member with its first role', () => {
    const { spec } = dataContext({ engine: 'postgres', ordinal: 0, leader: 2 });
    expect(postgresEndpoint(spec, 'main')).toEqual({ host: '10.0.0.3', port: 5432, database: 'app' });
    expect(postgresMembers(spec, 'main').map(({ host, roleHint }) => [host, roleHint])).toEqual([
      ['10.0.0.1', 'standby'],
      ['10.0.0.2', 'standby'],
      ['10.0.0.3', 'primary'],
    ]);
    expect(() => postgresEndpoint(spec, 'other')).toThrow(/'other'/);
  });
});
