import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownedBecause } from '../../topology/postgres-parameters.ts';
import { dataContext } from '../testing/data-context.ts';
import { membershipOf } from './group.ts';
import { postgresLayout } from './layout.ts';
import { RESTART_SETTINGS } from './restart-settings.ts';
import { postgresSettings, renderSettings, type Settings, synchronousStandbyNames } from './settings.ts';

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
  fc.oneof(fc.stringMatching(/^[a-z_]{1,12}$/), fc.constantFrom(...RESTART_SETTINGS)),
  fc.string({ unit: 'grapheme-ascii' }),
);

describe('renderSettings', () => {
  it('writes every setting once, in the file that its change asks for, and readable as it was', () => {
    fc.assert(
      fc.property(settings, (wanted) => {
        const { restart, reloadable } = renderSettings(wanted, '/var/lib/nines/reloadable.conf');
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

  it('makes a standby follow by its own slot, through a service file outside PGDATA', () => {
    expect(settingsOf({ engine: 'postgres', ordinal: 2 })).toMatchObject({
      primary_conninfo: 'service=leader',
      primary_slot_name: 'replica_2',
    });
    expect(settingsOf({ engine: 'postgres', ordinal: 0 })).toMatchObject({ primary_conninfo: '', primary_slot_name: '' });
  });

  it('keeps everything that a change of replicas touches reloadable: a new standby does not restart the primary', () => {
    const [three, five] = [3, 5].map((count) => settingsOf({ engine: 'postgres', ordinal: 0, count }));
    const changed = Object.keys(three!).filter((name) => three![name] !== five![name]);
    expect(changed).toEqual(['synchronous_standby_names']);
    expect(changed.some((name) => RESTART_SETTINGS.has(name))).toBe(false);
  });
});

describe('synchronousStandbyNames', () => {
  const names = (ordinal: number, count: number, durability: 'quorum' | 'strict' | 'async') => {
    const context = dataContext({ engine: 'postgres', ordinal, count, postgres: { durability } });
    const { group, member } = membershipOf(context.spec, context.unit);
    return synchronousStandbyNames(group, member);
  };

  it('asks for any one of the others by exact name', () => {
    expect(names(0, 3, 'quorum')).toBe('ANY 1 ("replica_1", "replica_2")');
    expect(names(1, 3, 'strict')).toBe('ANY 1 ("replica_0", "replica_2")');
  });

  it('is empty only when nobody else is there or the topology asks for it', () => {
    expect(names(0, 3, 'async')).toBe('');
    expect(names(0, 1, 'quorum')).toBe('');
  });
});
