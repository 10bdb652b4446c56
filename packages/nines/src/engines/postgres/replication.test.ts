import { describe, expect, it } from 'vitest';
import { dataContext } from '../testing/data-context.ts';
import { membershipOf } from './group.ts';
import { type ReplicationPurpose, renderPasswordFile, renderServiceFile } from './replication.ts';

function serviceFor(purpose: ReplicationPurpose): string {
  const { group, member } = membershipOf(
    dataContext({ engine: 'postgres', ordinal: 1 }).spec,
    dataContext({ engine: 'postgres', ordinal: 1 }).unit,
  );
  return renderServiceFile({ leader: group.members[2]!, standby: member, caFile: '/ca.pem', passwordFile: '/pgpass', purpose });
}

describe('renderServiceFile', () => {
  it('names the leader and, by the application name, whether and in which term this member counts', () => {
    const lines = serviceFor({ kind: 'follow', term: 5, counted: true }).split('\n');
    expect(lines).toEqual(expect.arrayContaining(['[leader]', 'host=10.0.0.3', 'user=replica_1', 'application_name=replica_1_t5']));
    expect(serviceFor({ kind: 'follow', term: 5, counted: false })).toContain('application_name=replica_1_f5\n');
  });

  it('shows no leader to a walreceiver without one, nor while a copy is being made', () => {
    expect(renderServiceFile(null)).not.toMatch(/\[|=/);
    const cloning = serviceFor({ kind: 'clone' });
    expect(cloning).not.toContain('[leader]');
    expect(cloning).toContain('application_name=clone_replica_1\n');
  });
});

describe('renderPasswordFile', () => {
  it('escapes what libpq would take for the end of a field', () => {
    expect(renderPasswordFile('replica_0', 'a:b\\c')).toBe('*:*:*:replica_0:a\\:b\\\\c\n');
  });
});
