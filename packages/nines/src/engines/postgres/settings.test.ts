import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownedBecause } from '../../topology/postgres-parameters.ts';
import { dataContext } from '../testing/data-context.ts';
import { membershipOf } from './group.ts';
import { postgresLayout } from './layout.ts';
import { RESTART_SETTINGS } from './restart-settings.ts';
import { postgresSettings, renderSettings, type Settings } from './settings.ts';

function settingsOf(wishes: Parameters<typeof dataContext>[0]): Settings {
  const context = dataContext(wishes);
  return postgresSettings({
    ...membershipOf(context.spec, context.unit),
    layout: postgresLayout(context),
    certificate: context.certificate('postgres'),
  });
}

/** As PostgreSQL's scanner reads a quoted value: backslash escapes, doubled quotes. */
function parse(text: string): Settings {
  const read: Settings = {};
  for (const line of text.split('\n')) {
    const match = /^(\w[\w.]*) = '((?:[^'\\]|\\.|'')*)'$/.exec(line);
    if (match === null) continue;
    read[match[1]!] = match[2]!.replaceAll(/\\(.)|''/g, (_, escaped?: string) => {
      if (escaped === undefined) return "'";
      return { n: '\n', r: '\r' }[escaped] ?? escaped;
    });
  }
  return read;
}

const settings = fc.dictionary(
  fc.oneof(fc.stringMatching(/^[a-z][a-z_]{0,11}$/), fc.constantFrom(...RESTART_SETTINGS)),
  fc.string({ unit: 'grapheme-ascii' }),
);

describe('renderSettings', () => {
  it('writes every setting once, in the file that its change asks for, and readable as it was', () => {
    fc.assert(
      fc.property(settings, (wanted) => {
        const { restart, reloadable } = renderSettings(wanted, {
          reloadableFile: '/u/reloadable.conf',
          leadershipFile: '/u/leadership.conf',
        });
        const [first, second] = [parse(restart), parse(reloadable)];
        const { include: _include, ...atStart } = first;
        expect({ ...atStart, ...second }).toEqual({ ...wanted });
        expect(Object.keys(atStart).every((name) => RESTART_SETTINGS.has(name))).toBe(true);
        expect(Object.keys(second).some((name) => RESTART_SETTINGS.has(name))).toBe(false);
      }),
    );
  });
});

describe('postgresSettings', () => {
  it('lets the topology change a default, and nothing that a promise rests on', () => {
    const found = settingsOf({
      engine: 'postgres',
      ordinal: 0,
      postgres: { parameters: { work_mem: '8MB', shared_buffers: '1GB', fsync: 'off', restart_after_crash: 'on', listen_addresses: '*' } },
    });
    expect(found).toMatchObject({
      work_mem: '8MB',
      shared_buffers: '1GB',
      fsync: 'on',
      restart_after_crash: 'off',
      listen_addresses: '10.0.0.1',
    });
  });

  it('has no effect only for those parameters that the topology refuses, with a reason', () => {
    const names = Object.keys(settingsOf({ engine: 'postgres', ordinal: 1 }));
    const parameters = Object.fromEntries(names.map((name) => [name, 'changed']));
    const found = settingsOf({ engine: 'postgres', ordinal: 1, postgres: { parameters } });
    const ignored = names.filter((name) => found[name] !== 'changed');
    expect(ignored.filter((name) => ownedBecause(name) === null)).toEqual([]);
    expect(names.filter((name) => !ignored.includes(name) && ownedBecause(name) !== null)).toEqual([]);
  });

  it('has nothing that follows leadership: all members of a group have the same but for their names and places', () => {
    const placed = ['listen_addresses', 'cluster_name'];
    const [leader, other] = [0, 1].map((ordinal) => settingsOf({ engine: 'postgres', ordinal, leader: 0 }));
    for (const name of ['synchronous_standby_names', 'primary_conninfo', 'primary_slot_name']) expect(leader).not.toHaveProperty(name);
    expect(Object.keys(leader!).filter((name) => leader![name] !== other![name])).toEqual(placed);
    expect(settingsOf({ engine: 'postgres', ordinal: 0, leader: 1 })).toEqual(leader);
  });

  it('reads what the executor writes last, so that it wins', () => {
    const { restart } = renderSettings({}, { reloadableFile: '/u/reloadable.conf', leadershipFile: '/u/leadership.conf' });
    expect(restart.trimEnd().split('\n').slice(-2)).toEqual(["include = '/u/reloadable.conf'", "include = '/u/leadership.conf'"]);
  });

  it('changes nothing when a member joins', () => {
    const [three, five] = [3, 5].map((count) => settingsOf({ engine: 'postgres', ordinal: 0, count }));
    expect(three).toEqual(five);
  });

  it('lets clients of an asynchronous group go on without the quorum, and no others', () => {
    const commits = (durability: 'quorum' | 'strict' | 'async') =>
      settingsOf({ engine: 'postgres', ordinal: 0, postgres: { durability } })['synchronous_commit'];
    expect([commits('quorum'), commits('strict'), commits('async')]).toEqual(['on', 'on', 'local']);
  });
});
