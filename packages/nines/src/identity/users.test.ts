import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NinesError } from '../errors/errors.ts';
import { findUser, userIn } from './users.ts';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/bash',
  '# a comment',
  'etcd-old:x:7:8::/:/bin/false',
  'etcd:x:103:106::/var/lib/etcd/:/usr/sbin/nologin',
  'broken:x',
  '',
].join('\n');

describe('users of the machine', () => {
  test('finds exactly the named user', () => {
    expect(userIn(PASSWD, 'etcd')).toEqual({ uid: 103, gid: 106 });
    expect(userIn(PASSWD, 'root')).toEqual({ uid: 0, gid: 0 });
    expect(userIn(PASSWD, 'broken')).toBeNull();
    expect(userIn(PASSWD, 'etc')).toBeNull();
    expect(userIn(PASSWD, '')).toBeNull();
  });

  test('finds every user that is in the file, whatever stands around it', () => {
    const user = fc.record({ name: fc.stringMatching(/^[a-z_][a-z0-9_-]{0,12}$/), uid: fc.nat(70_000), gid: fc.nat(70_000) });
    fc.assert(
      fc.property(fc.uniqueArray(user, { selector: ({ name }) => name }), (users) => {
        const passwd = users.map(({ name, uid, gid }) => `${name}:x:${uid}:${gid}::/:/bin/false`).join('\n');
        for (const { name, uid, gid } of users) expect(userIn(passwd, name)).toEqual({ uid, gid });
      }),
    );
  });

  test('names the missing user and the way out', () => {
    const attempt = () => findUser('no-such-user-here');
    expect(attempt).toThrow(NinesError);
    expect(attempt).toThrow(/no-such-user-here/);
  });
});
